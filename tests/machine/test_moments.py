"""Ctrl-C and SIGTERM at any moment of a command's life: one line, soon, and a run that goes on or was not begun."""

import collections
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import argmaxq as aq
from argmaxq.interrupts import LINE
from support.commands import SMALL, command
from support.runs import assert_same

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux shows what a process heeds")
SIGNALS = [signal.SIGINT, signal.SIGTERM]
LONG = ("train", *SMALL, "--steps", "2e9", "--out", "run")
WATCHDOG = 120.0
"""Seconds after which a command counts as one that goes on: many more than it takes on a busy machine."""


class Ended(NamedTuple):
    """How a command ended, and how long after the signal."""

    code: int
    out: str
    err: str
    seconds: float


@contextmanager
def begun(*words: Any, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A command from the moment at which our package has begun to be imported: it heeds SIGTERM from there on."""
    with command(*words, **options) as process:
        while process.poll() is None and not heeds(process.pid, signal.SIGTERM):
            time.sleep(0.001)
        yield process


def heeds(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return False
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt")) if lines else ("0",)
    return bool(int(caught, 16) & 1 << (number - 1))


def stop(process: subprocess.Popen[str], number: signal.Signals) -> Ended:
    """Send a signal and await the end."""
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=WATCHDOG)
    return Ended(process.returncode, out, err, time.monotonic() - start)


def until(process: subprocess.Popen[str], there: Callable[[], bool]) -> None:
    while not there():
        assert process.poll() is None
        time.sleep(0.005)


def check(ended: Ended, number: signal.Signals, note: str | None = "") -> None:
    """It ended by the signal, with its one line and nothing else on standard error."""
    assert ended.code == 128 + number, ended
    if note is not None:
        assert ended.err == f"{LINE}{note}\n", ended
    assert ended.err.count("\n") == 1
    assert ended.err.startswith(LINE), ended
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.6])
def test_while_it_is_imported(number: signal.Signals, seconds: float, tmp_path: Path) -> None:
    with begun("--version", cwd=tmp_path) as process:
        time.sleep(seconds)
        if process.poll() is None:
            ended = stop(process, number)
            if ended.code:  # it was not over already
                check(ended, number)
                assert ended.out == ""


@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_compiles(number: signal.Signals, tmp_path: Path) -> None:
    with begun(*LONG, cwd=tmp_path, ARGMAXQ_CACHE_DIR=str(tmp_path / "cache")) as process:
        until(process, lambda: (tmp_path / "run" / "config.json").exists())
        check(stop(process, number), number, None)
    run = aq.resume(tmp_path / "run", callbacks=[lambda block: True])
    assert run.summary["finished"]


@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_trains_and_evaluates(number: signal.Signals, tmp_path: Path) -> None:
    with begun(*LONG, "--evaluation.episodes", "200", cwd=tmp_path) as process:
        until(process, lambda: (tmp_path / "run" / "checkpoints").exists())
        ended = stop(process, number)
    check(ended, number, "; argmaxq resume run goes on from there")
    assert f"stopping: {number.name} received, saving at step" in ended.out
    assert ended.out.endswith("  next               argmaxq resume run\n")
    assert not aq.Run(tmp_path / "run").summary["finished"]


@pytest.mark.parametrize("number", SIGNALS)
def test_other_verbs(number: signal.Signals, trained: str, tmp_path: Path) -> None:
    with begun("evaluate", trained, "--episodes", 200_000, cwd=tmp_path) as process:
        time.sleep(4)
        check(stop(process, number), number)
    film = tmp_path / "film.mp4"
    words = ("watch", trained, "--episodes", 5_000, "--video", film)
    with begun(*words, cwd=tmp_path, SDL_VIDEODRIVER="dummy") as process:
        until(process, lambda: any(tmp_path.glob(".film*")))
        check(stop(process, number), number)
    assert not [*tmp_path.glob("*film*"), *tmp_path.glob(".film*")]


def test_without_ctrl_c_it_still_heeds_sigterm(tmp_path: Path) -> None:
    """As under ``nohup``, or in the background of a script."""
    with begun(*LONG, cwd=tmp_path, ctrl_c="SIG_IGN") as process:
        process.send_signal(signal.SIGINT)
        until(process, lambda: (tmp_path / "run" / "checkpoints").exists())
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None
        check(stop(process, signal.SIGTERM), signal.SIGTERM, "; argmaxq resume run goes on from there")


SLEEPER = """
import time
import gymnasium as gym

class Sleeper(gym.Wrapper):
    steps = 0
    def step(self, action):
        Sleeper.steps += 1
        if Sleeper.steps == 1_700:  # of which 1,000 are tried before training
            open("asleep", "w").close()
            time.sleep(600)
        return self.env.step(action)

gym.register("Sleeper-v0", lambda: Sleeper(gym.make("CartPole-v1")))
"""


@pytest.mark.parametrize(("first", "second"), [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_does_not_wait(first: signal.Signals, second: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    with begun(*LONG, "--env", "sleeper:Sleeper-v0", "--evaluation.every", "0", cwd=tmp_path) as process:
        until(process, lambda: (tmp_path / "asleep").exists())
        process.send_signal(first)
        time.sleep(0.5)
        assert process.poll() is None  # there is something to save
        check(stop(process, second), second)
    assert aq.Run(tmp_path / "run").summary["finished"] is False


def variables(cache: Path) -> dict[str, str]:
    return {"ARGMAXQ_CACHE_DIR": str(cache)}


def finished(*words: Any, cwd: Path, cache: Path) -> None:
    with command(*words, cwd=cwd, **variables(cache)) as process:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")


def one_moment(folder: Path, cache: Path, words: tuple[Any, ...], number: signal.Signals, moment: float) -> Ended:
    """Train, and at that moment send a signal; check all that can be said of what is left."""
    with begun(*words, "--out", "run", cwd=folder, **variables(cache)) as process:
        time.sleep(moment)
        ended = stop(process, number) if process.poll() is None else Ended(0, *process.communicate(), 0.0)
    if ended.code == 0:
        assert ended.err == ""
        return ended
    check(ended, number, None)
    if not (folder / "run" / "config.json").exists():
        assert not [*(folder / "run").glob("**/*.jsonl")]
        finished(*words, "--out", "run", cwd=folder, cache=cache)
    elif not aq.Run(folder / "run").summary.get("finished"):
        finished("resume", "run", cwd=folder, cache=cache)
    return ended


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_at_random_moments(engine: str, tmp_path: Path) -> None:
    words = ("train", *SMALL, "--engine", engine, "--evaluation.episodes", "100", "--steps", "20000")
    chance = random.Random(engine)
    cache, other = tmp_path / "cache", tmp_path / "reference"
    other.mkdir()
    start = time.monotonic()
    finished(*words, "--out", "run", cwd=other, cache=cache)
    cold = time.monotonic() - start
    start = time.monotonic()
    (tmp_path / "warm").mkdir()
    finished(*words, "--out", "run", cwd=tmp_path / "warm", cache=cache)
    warm = time.monotonic() - start
    said: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    for count in range(20):
        folder = tmp_path / str(count)
        folder.mkdir()
        # In every other one all programs are compiled anew.
        fresh, duration = (folder / "cache", cold) if count % 2 else (cache, warm)
        number = chance.choice(SIGNALS)
        ended = one_moment(folder, fresh, words, number, chance.uniform(0.0, 0.9 * duration))
        said["over" if not ended.code else "saved" if "resume" in ended.err else "at once"] += 1
        slowest = max(slowest, ended.seconds)
        print(count, number.name, ended.code, f"{ended.seconds:.2f} s", ended.err.strip(), flush=True)
        assert_same(aq.Run(folder / "run"), aq.Run(other / "run"))
    print(engine, dict(said), f"slowest {slowest:.2f} s", os.getloadavg())
    assert said["saved"] >= 3
    assert said["at once"] >= 3
