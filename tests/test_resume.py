"""A run that was stopped, killed or damaged and then resumed comes to the end of one that was left alone."""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.component import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.training import checkpoint
from argmaxq.training.records import read
from runs import (
    CARTPOLE,
    LANDER,
    PARALLEL,
    PRIORITISED,
    Crash,
    Victims,
    assert_same,
    contents,
    crash_at,
    crashed,
    newest,
)

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")

KILLED = {
    "compiled": (CARTPOLE, {}),
    "host": (PRIORITISED, {"engine": "host"}),
    "lander": (LANDER, {}),
    "parallel": (PARALLEL, {}),
}


@pytest.fixture(scope="module")
def victims(pytestconfig: pytest.Config) -> Victims:
    return Victims(pytestconfig.cache.mkdir("compiled"))


def kill_and_compare(victims: Victims, recipe: Any, options: Any, folder: Path, kills: int) -> collections.Counter[str]:
    """Kill runs until that was done so many times; each one is resumed to its end and compared. Counts what was hit."""
    began = time.monotonic()
    reference = victims.finish(recipe, folder / "reference", options)
    seconds = time.monotonic() - began
    hits: collections.Counter[str] = collections.Counter()
    for number in range(kills):
        run = folder / f"run-{number}"
        while hits.total() < kills and (hit := victims.kill(recipe, run, options, seconds)) != "nothing":
            hits[hit] += 1
        assert_same(victims.finish(recipe, run, options), reference)
        assert not [*run.glob("checkpoints/*.partial"), *run.glob("checkpoints/*.old")]
        if hits.total() == kills:
            break
    return hits


@pytest.mark.parametrize("name", KILLED)
def test_killed_and_resumed_equals_uninterrupted(name: str, victims: Victims, tmp_path: Path) -> None:
    kill_and_compare(victims, *KILLED[name], tmp_path, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compiled", "host", "lander"])
def test_twenty_kills(name: str, victims: Victims, tmp_path: Path) -> None:
    recipe, options = KILLED[name]
    longer = aq.replace(recipe, {"steps": 12_000, "checkpoint_every": 200, "evaluation.every": 1_000})
    victims.finish(longer, tmp_path / "compilation", options)
    hits = kill_and_compare(victims, longer, options, tmp_path, kills=20)
    print(name, dict(hits))
    assert hits.total() == 20
    assert hits["a write"] >= 2
    assert hits["training"] >= 2


class TestCrash:
    """In this process, at a block's end that is no checkpoint: a quick look at many kinds of run."""

    @pytest.mark.parametrize(
        ("recipe", "options"),
        [
            (CARTPOLE, {"seeds": 3}),
            (aq.replace(CARTPOLE, {"env.lanes": 2}), {"seeds": 5}),
            (aq.replace(PARALLEL, {"env.lanes": 2, "steps": 1_024}), {"engine": "host", "seeds": 2}),
            (aq.replace(CARTPOLE, {"evaluation.every": 0, "agent.rollout": 7}), {}),
            (aq.replace(PARALLEL, {"env.id": "LunarLander-v3", "steps": 2_048}), {}),
        ],
        ids=["three-seeds", "five-seeds-that-are-filled-up", "host-seeds", "odd-rollouts", "lanes"],
    )
    def test_resumed_equals_uninterrupted(self, recipe: aq.Recipe, options: dict[str, Any], tmp_path: Path) -> None:
        reference = aq.train(recipe, out=tmp_path / "reference", **options)
        crashed(recipe, tmp_path / "run", 600, **options)
        with pytest.raises(Crash):
            aq.resume(tmp_path / "run", callbacks=[crash_at(900)])
        assert_same(aq.resume(tmp_path / "run"), reference)

    def test_an_environment_of_ones_own_on_the_host(self, tmp_path: Path) -> None:
        options: dict[str, Any] = {"env": CartPole, "engine": "host"}
        reference = aq.train(CARTPOLE, out=tmp_path / "reference", **options)
        crashed(CARTPOLE, tmp_path / "run", 1_100, **options)
        with pytest.raises(UserError, match=r"pass it as own=\{'env.id'"):
            aq.resume(tmp_path / "run")
        assert_same(aq.resume(tmp_path / "run", own={"env.id": CartPole}), reference)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(CARTPOLE, out=tmp_path_factory.mktemp("reference") / "run")


def test_before_the_first_checkpoint_it_starts_afresh_and_says_so(
    reference: aq.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1)
    assert not newest(run)
    assert_same(aq.resume(run.path, quiet=False), reference)
    assert "no checkpoint yet: starting from the beginning" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["arrays.safetensors", "checkpoint.json"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(
    file: str, reference: aq.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    (path,) = newest(run)
    (path / file).write_bytes((path / file).read_bytes()[:-9])
    aq.resume(run.path, quiet=False)
    said = capsys.readouterr().out
    assert "passed over" in said
    assert path.name in said
    assert_same(run, reference)


def test_damaged_checkpoints_do_not_push_out_good_ones(tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    for path in checkpoint.checkpoints(run.path / "checkpoints"):
        (path / "arrays.safetensors").unlink()
    with pytest.raises(Crash):
        aq.resume(run.path, callbacks=[crash_at(400)])
    whole = checkpoint.latest(run.path / "checkpoints", pytest.fail)
    assert whole is not None
    assert whole.name == "step-000000252"


def test_shortened_records_are_not_glossed_over(tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    os.truncate(run.path / "metrics.jsonl", 10)
    with pytest.raises(UserError, match=r"metrics.jsonl: 10 bytes long"):
        aq.resume(run.path)


def test_a_finished_run_says_so_and_is_left_alone(
    reference: aq.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(reference.path, tmp_path / "run")
    before = contents(aq.Run(tmp_path / "run"))
    run = aq.resume(tmp_path / "run", quiet=False)
    assert "is finished: nothing is left to do; --steps MORE goes on" in capsys.readouterr().out
    assert contents(run) == before
    (run.path / "summary.json").unlink()  # a kill just before its end
    assert_same(aq.resume(run.path), reference)


@pytest.mark.parametrize("options", [{}, {"seeds": 2}, {"engine": "host", "seeds": 2}])
def test_more_steps_equal_a_longer_run(options: dict[str, Any], tmp_path: Path) -> None:
    longer = aq.train(CARTPOLE, steps=1_700, out=tmp_path / "longer", **options)
    run = aq.train(CARTPOLE, steps=1_100, out=tmp_path / "run", **options)
    assert run.summary["step"] == 1_100
    run = aq.resume(run.path, steps=600)
    assert run.recipe == longer.recipe
    for ours, theirs in zip(run.parts, longer.parts, strict=True):
        assert ours.recipe == longer.recipe
        for kind in ("episodes", "evaluations"):
            assert read(ours.path, kind) == read(theirs.path, kind)
    ours, theirs = contents(run), contents(longer)
    policies = [name for name in ours if name.endswith(("best", "last"))]
    assert policies
    for name in policies:
        assert ours[name] == theirs[name.replace("run", "longer", 1)]


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_block_and_saves(
    kind: signal.Signals, reference: aq.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def callback(block: Any) -> None:
        if 1_100 <= block.step < 1_600:
            signal.raise_signal(kind)

    before = signal.getsignal(kind)
    run = aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[callback], quiet=False)
    assert signal.getsignal(kind) is before
    assert f"stopping: {kind.name} received, saving at step" in capsys.readouterr().out
    assert not run.summary["finished"]
    assert 1_100 <= run.summary["step"] < 1_600
    assert newest(run)[0].name == f"step-{run.summary['step']:09d}"
    assert run.policy("last")(np.zeros(4)) in (0, 1)
    assert_same(aq.resume(run.path), reference)


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    def callback(block: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[callback])
    assert not aq.Run(tmp_path / "run").summary["finished"]


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        options: dict[str, Any] = {"callbacks": [lambda block: signal.raise_signal(signal.SIGINT)]}
        assert aq.train(CARTPOLE, steps=500, out=tmp_path / "run", **options).summary["finished"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_stops_all_seeds_on_the_host(tmp_path: Path) -> None:
    short = aq.replace(CARTPOLE, {"steps": 600})
    callbacks = [lambda block: signal.raise_signal(signal.SIGTERM) if block.step > 300 else None]
    run = aq.train(short, out=tmp_path / "run", engine="host", seeds=2, callbacks=callbacks)
    assert not run.summary["finished"]
    assert not run.parts[1].summary
    reference = aq.train(short, out=tmp_path / "reference", engine="host", seeds=2)
    assert_same(aq.resume(run.path), reference)


def test_a_solved_run_stays_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = aq.replace(CARTPOLE, {"stop": aq.TrainingReturn(1.0, 20)})
    reference = aq.train(recipe, out=tmp_path / "reference")
    assert 20 <= reference.summary["seeds"][0]["solved_at"] < 1_000
    crashed(recipe, tmp_path / "run", 300)
    run = aq.resume(tmp_path / "run")
    assert_same(run, reference)
    for more in (0, 500):
        before = contents(run)
        aq.resume(run.path, steps=more, quiet=False)
        assert "is finished: nothing is left to do, since it is solved" in capsys.readouterr().out
        assert contents(run) == before


def test_a_callbacks_wish_holds_until_more_steps_are_asked_for(reference: aq.Run, tmp_path: Path) -> None:
    run = aq.train(CARTPOLE, steps=1_500, out=tmp_path / "run", callbacks=[lambda block: block.step >= 750])
    assert run.summary["seeds"][0]["stopped"] == "by a callback"
    assert run.summary["finished"]
    assert run.summary["step"] == 752
    assert run.policy("last")(np.zeros(4)) in (0, 1)
    assert aq.resume(run.path).summary["step"] == 752
    assert_same(aq.resume(run.path, steps=500), reference)


class Restless(gym.Env):
    """Observations and rewards from a generator that nobody can reach; every episode has 30 steps."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (2,), np.float32), gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.hidden = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return self.hidden.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> Any:
        self.time += 1
        return self.hidden.uniform(-1, 1, 2).astype(np.float32), 1.0, self.time == 30, False, {}


def test_an_episode_that_cannot_be_replayed_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = aq.replace(CARTPOLE, {"env.id": Restless, "env.lanes": 3, "steps": 1_200, "checkpoint_every": 0})
    recipe = aq.replace(recipe, {"agent.replay.capacity": 1_200})
    callbacks = [lambda block: signal.raise_signal(signal.SIGTERM) if block.step >= 500 else None]
    run = aq.train(recipe, out=tmp_path / "run", callbacks=callbacks)
    step = run.summary["step"]
    assert step % 93 not in (0, 90), "at an episode's end, so there would be nothing to cut"
    run = aq.resume(run.path, quiet=False, own={"env.id": Restless})
    assert "cannot be restored in 3 of 3 lanes: 3 episodes are cut here, marked as truncated" in capsys.readouterr().out
    assert run.summary["finished"]
    episodes = read(run.path, "episodes")
    assert {(row["return"], row["length"]) for row in episodes} == {(30.0, 30)}, "a cut episode is no whole one"
    # From the cut on, a row for the final observation and then episodes of 30 steps and their last rows.
    ends = [row["step"] for row in episodes if row["step"] > step]
    assert ends[0] == step + 3 * (1 + 30)
    rows = replayed(run)
    cut = step // 3
    assert rows["truncated"][cut - 1].all()
    assert rows["last"][cut].all()
    assert rows["last"].sum() == 3 * (1 + len(episodes) // 3)
    assert rows["truncated"].sum() == 3


def replayed(run: aq.Run) -> dict[str, np.ndarray]:
    """The rows in a run's replay, in the order they came, if it was never full."""
    arrays, _ = checkpoint.load(newest(run)[0])
    prefix = "engine/learner/replay/rows/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@pytest.mark.parametrize("backend", ["envpool", "vector"])
def test_environments_that_hide_everything_are_restarted(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own: dict[str, Any] = {}
    if backend == "envpool":
        pytest.importorskip("envpool")
        recipe = aq.replace(CARTPOLE, {"env.backend": "envpool", "env.lanes": 4, "agent.rollout": 3})
    else:
        own = {"env.id": partial(gym.make_vec, "CartPole-v1", 4, vectorization_mode="sync")}
        recipe = aq.replace(CARTPOLE, {**own, "env.lanes": 4, "agent.rollout": 3})
    run = crashed(recipe, tmp_path / "run", 700, engine="host")
    shutil.copytree(run.path, tmp_path / "other")
    ends = [aq.resume(path, own=own, quiet=False) for path in (run.path, tmp_path / "other")]
    assert capsys.readouterr().out.count("in 4 of 4 lanes") == 2
    assert_same(*ends)


@contextlib.contextmanager
def command(*words: Any, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own."""
    line = [sys.executable, "-u", "-m", "argmaxq", *map(str, words)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(line, env={**os.environ, **variables}, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_one_process_at_a_time_and_a_signal_from_outside(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with command("train", "cartpole/dqn", "--steps", 10_000_000, "--checkpoint-every", 2_000, "--out", folder) as first:
        while not (folder / "checkpoints").exists():
            assert first.poll() is None
            time.sleep(0.01)
        with pytest.raises(UserError, match=f"is in use by process {first.pid}"):
            aq.resume(folder)
        assert not aq.Run(folder).summary["finished"]
        first.send_signal(signal.SIGTERM)
        said = first.communicate()[0]
    assert "stopping: SIGTERM received, saving at step" in said
    assert "Traceback" not in said
    assert first.returncode == 128 + signal.SIGINT
    assert json.loads((folder / "summary.json").read_text())["finished"] is False


@pytest.mark.slow
def test_the_number_of_devices_may_change(tmp_path: Path) -> None:
    # Seven seeds are filled up to eight on two devices, and to nine on three.
    options = ("--seeds", 7, "--evaluation.every", 1_000, "--checkpoint-every", 1_000)
    for name, steps in (("reference", 5_000), ("run", 3_000)):
        words = ("train", "cartpole/dqn", *options, "--steps", steps, "--out", tmp_path / name)
        with command(*words, JAX_NUM_CPU_DEVICES="2") as process:
            said = process.communicate()[0]
            assert process.returncode == 0, said
    with command("resume", tmp_path / "run", "--steps", 2_000, JAX_NUM_CPU_DEVICES="3") as process:
        said = process.communicate()[0]
        assert process.returncode == 0, said
    run, reference = aq.Run(tmp_path / "run"), aq.Run(tmp_path / "reference")
    for ours, theirs in zip(run.parts, reference.parts, strict=True):
        for kind in ("episodes", "evaluations"):
            assert read(ours.path, kind) == read(theirs.path, kind)
