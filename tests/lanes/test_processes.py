"""Lanes in processes of their own: the same bits as in one, whatever happens to a process, and none that stays."""

import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

import argmaxq as aq
from argmaxq.environments.check import check
from argmaxq.environments.source import host
from argmaxq.lanes.workers import Workers
from argmaxq.runs.records import read
from samples.own_environments import Own, Raising
from samples.probes import DelayedReward
from support.commands import SMALL, Command, command
from support.lane_rows import random_actions, record, through_json
from support.runs import CARTPOLE, assert_same, crashed

LANES = 3


class Sinking(gym.Wrapper[Any, Any, Any, Any]):
    """CartPole whose process is killed where a file says so, in the step whose number the file holds."""

    def __init__(self, file: str = "") -> None:
        super().__init__(gym.make("CartPole-v1", max_episode_steps=30))
        self.file, self.steps = Path(file), 0

    def step(self, action: Any) -> Any:
        self.steps += 1
        with contextlib.suppress(OSError):  # there is no file, or another process was killed first
            if self.steps == int(self.file.read_text() or 0):
                self.file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return self.env.step(action)


def recipe(source: Any, backend: str = "processes", **options: Any) -> aq.Recipe:
    env = {"env.id": source, "env.lanes": LANES, "env.backend": backend}
    return aq.replace(CARTPOLE, {"steps": 900, "evaluation.every": 300} | env | options)


def workers_of(pid: int) -> set[int]:
    """Processes that this one has started, and those that they have forked, as long as they are there."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, new = set[int](), {pid}
    while new:
        new = {own for own, parent in parents.items() if parent in new}
        found |= new
    return found


def gone(pids: set[int], seconds: float = 20.0) -> bool:
    """Whether these processes have ended, within so many seconds."""
    until = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    before = workers_of(os.getpid())
    yield
    assert gone(workers_of(os.getpid()) - before)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(recipe(Sinking, "gymnasium"), out=tmp_path_factory.mktemp("one") / "process")


def test_the_same_parameters_and_records_as_in_one(reference: aq.Run, tmp_path: Path) -> None:
    run = aq.train(recipe(lambda: Sinking()), out=tmp_path / "run")
    assert_same(run, reference)
    own = {"env.id": Sinking}
    ours, theirs = (aq.Run(each.path, own).evaluate(40) for each in (run, reference))
    assert ours == theirs


def test_a_killed_run_goes_on_bit_for_bit(reference: aq.Run, tmp_path: Path) -> None:
    crashed(recipe(Sinking), tmp_path / "run", 500)
    assert_same(aq.resume(tmp_path / "run", own={"env.id": Sinking}), reference)


@pytest.mark.parametrize("at", [1, 120])
def test_a_lost_process_is_one_line_and_costs_nothing(at: int, reference: aq.Run, tmp_path: Path) -> None:
    """Whatever of it was not saved yet is known without it."""
    file = tmp_path / "at"
    file.write_text(str(at))
    with pytest.raises(aq.UserError, match=r"the process of environment \d was ended by SIGKILL.*memory") as caught:
        aq.train(recipe(lambda: Sinking(str(file))), out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    step = aq.Run(tmp_path / "run").summary["step"]
    assert LANES * (at - 1) - 16 * LANES < step < LANES * (at + 8)
    assert_same(aq.resume(tmp_path / "run", own={"env.id": Sinking}), reference)


def test_lanes_are_restored_across_kinds() -> None:
    """What processes have saved goes on in one, and the other way round."""
    there, here = (host(aq.Env("CartPole-v1", lanes=5, backend=backend)) for backend in ("processes", "gymnasium"))
    try:
        record(there, there.reset(3), random_actions(there, 40))
        assert here.restore(through_json(there.save())) == []
        actions = random_actions(there, 60, seed=1)
        ours, theirs = (record(each, each.observe(), actions) for each in (there, here))
        assert [row[2:5] for row in ours[4]] == [row[2:5] for row in theirs[4]]
        assert there.restore(through_json(here.save())) == []
        np.testing.assert_array_equal(there.observe(), here.observe())
    finally:
        there.close()


def test_many_copies_share_few_processes() -> None:
    copies = Workers(lambda: gym.make("CartPole-v1"), 2)
    firsts = copies.ask([(copy, "start", (copy % 3,)) for copy in range(7)])
    assert len({first.tobytes() for first in firsts}) == 3
    assert len(workers_of(os.getpid())) == 3  # and the one that has forked them
    copies.close()
    with pytest.raises(aq.UserError, match="continuous"):
        Workers(lambda: gym.make("Pendulum-v1"), 1).spaces  # noqa: B018


def test_random_numbers_of_no_generator_are_not_the_same_in_all() -> None:
    class Global(Own):
        def observe(self) -> Any:
            return np.random.uniform(-1, 1, 4).astype(np.float32)

    lanes = host(aq.Env(Global, lanes=4, backend="processes"))
    assert len(np.unique(lanes.reset(0), axis=0)) == 4
    lanes.close()


def test_a_class_of_this_program_is_registered_there_too(argmaxq: Command) -> None:
    class Local(Own):
        pass

    gym.register("Local-v0", Local, max_episode_steps=9)
    code, told, said = argmaxq(
        "train", "dqn", "--env", "Local-v0", "--env.backend", "processes", "--steps", "64", "--evaluation.every", "32"
    )
    gym.registry.pop("Local-v0")
    assert (code, said) == (0, "")
    assert re.search("lanes +8, each in a process", told)


@pytest.mark.parametrize("where", ["init", "reset", "step"])
def test_its_own_exception_is_one_line(where: str, tmp_path: Path) -> None:

    with pytest.raises(
        aq.UserError, match=r"^RuntimeError: the simulator is not there \(own_environments.py, line \d+, in "
    ):
        aq.train(recipe(lambda: Raising(where) if os.getpid() != HERE else Own()), out=tmp_path / "run")


HERE, LOCKS = os.getpid(), [threading.Lock()]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda: Own() if LOCKS else None, r"cannot be sent to another process \(TypeError: cannot pickle"),
        (lambda: SyncVectorEnv([Own] * LANES), "makes a vector environment, which steps its lanes itself"),
        (DelayedReward, "makes a FuncEnv, which needs no processes"),
        (lambda: sys.exit(3) if os.getpid() != HERE else Own(), "the process of environment 0 ended with exit code 1"),
    ],
)
def test_what_has_no_processes_is_said_in_one_line(source: Callable[..., Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(aq.UserError, match=words) as caught:
        aq.train(recipe(source), out=tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_one_lane_in_a_process_is_advised_against(argmaxq: Command) -> None:
    _, told, _ = argmaxq("train", *SMALL, "--env.backend", "processes", "--steps", "200")
    assert "env.lanes = 1: a process gains nothing by itself" in told


def test_check_tries_a_slow_environment_in_processes() -> None:
    class Slow(Own):
        def step(self, action: Any) -> Any:
            time.sleep(0.002)
            return super().step(action)

    findings = {finding.what: finding for finding in check(lambda: Slow(spaces.Box(-1.0, 1.0, (4,), np.float32)))}
    assert "--env.backend processes --env.lanes 8" in findings["speed"].why
    assert findings["processes"].status == "ok"
    shared = {finding.what: finding for finding in check(Slow)}["processes"]
    assert (shared.status, "randomness is not only reset's" in shared.why) == ("warn", True)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(kind: signal.Signals, tmp_path: Path) -> None:
    words = [*SMALL, "--env.backend", "processes", "--env.lanes", "4", "--steps", "1000000", "--out", tmp_path / "run"]
    with command("train", *words) as process:
        while not (tmp_path / "run" / "times.jsonl").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        workers = workers_of(process.pid)
        assert len(workers) >= 5
        process.send_signal(kind)
        _, said = process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[kind]
    assert said.count("\n") == (kind != signal.SIGKILL)
    assert gone(workers)
    if kind != signal.SIGKILL:
        assert read(tmp_path / "run", "episodes")
