"""Runs that an exception or a signal breaks off anywhere are saved there, and go on to the same bytes."""

import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import jax
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.interrupts import hold, noting
from argmaxq.recipes.stop import Stop
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.runs.report import joined
from argmaxq.training.engines.engine import Broken
from argmaxq.training.evaluation import Halted
from argmaxq.training.timetable import Timetable
from support.runs import CARTPOLE, Crash, assert_same, crash_at, newest
from support.trainer import ENGINES, compiled_engine

pytestmark = pytest.mark.usefixtures("foreground")


class Fragile(gym.Wrapper[Any, Any, Any, Any]):
    """CartPole of which something happens at one step, counted over all that were made."""

    steps: ClassVar[int] = 0
    at: ClassVar[int | None] = None
    happens: ClassVar[Callable[[], object]]

    def __init__(self) -> None:
        super().__init__(gym.make("CartPole-v1", max_episode_steps=60))

    def step(self, action: Any) -> Any:
        Fragile.steps += 1
        if Fragile.steps == Fragile.at:
            Fragile.happens()
        return self.env.step(action)


def breaks() -> None:
    raise ZeroDivisionError("the environment's own")


def happening(what: Callable[[], object], at: int | None) -> None:
    """Let it happen at that step, or never."""
    Fragile.steps, Fragile.at, Fragile.happens = 0, at, staticmethod(what)


HOST = aq.replace(CARTPOLE, {"env.id": Fragile, "steps": 1_000, "evaluation.every": 300})
OWN = {"env.id": Fragile}
LANES = {"one-lane": HOST, "two-lanes": aq.replace(HOST, {"env.lanes": 2})}


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, aq.Run]:
    happening(breaks, None)
    folder = tmp_path_factory.mktemp("references")
    return {name: aq.train(recipe, out=folder / name) for name, recipe in LANES.items()}


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("at", [1, 90, 350, 777])
def test_an_exception_of_the_environments(lanes: str, at: int, references: Any, tmp_path: Path) -> None:
    """Before the first update, in an episode's first step, in evaluations (after 300 steps) and between them."""
    happening(breaks, at)
    with pytest.raises(ZeroDivisionError, match="the environment's own"):
        aq.train(LANES[lanes], out=tmp_path / "run")
    run = aq.Run(tmp_path / "run", own=OWN)
    (path,) = newest(run)
    assert run.summary["step"] == int(path.name.removeprefix("step-"))
    if at < 300:
        # All that was done but for the iteration in which it happened, and the rows that were ignored.
        assert at - 16 < run.summary["step"] < at + 16
    assert not run.summary["finished"]
    happening(breaks, None)
    run = aq.resume(run.path, own=OWN)
    assert_same(run, references[lanes])


def test_what_was_saved_can_be_broken_off_again(references: Any, tmp_path: Path) -> None:
    happening(breaks, 100)
    with pytest.raises(ZeroDivisionError):
        aq.train(HOST, out=tmp_path / "run")
    for at in (70, 80, 300):
        happening(breaks, at)
        with pytest.raises(ZeroDivisionError):
            aq.resume(tmp_path / "run", own=OWN)
    happening(breaks, None)
    assert_same(aq.resume(tmp_path / "run", own=OWN), references["one-lane"])


@pytest.mark.parametrize("options", [{}, {"seeds": 2}, {"engine": "host"}, {"engine": "host", "seeds": 2}])
def test_an_exception_of_a_callbacks(options: dict[str, Any], tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"steps": 1_000, "checkpoint_every": 0})
    reference = aq.train(recipe, out=tmp_path / "reference", **options)
    with pytest.raises(Crash):
        aq.train(recipe, out=tmp_path / "run", callbacks=[crash_at(400)], **options)
    run = aq.Run(tmp_path / "run")
    assert run.summary["step"] == 500
    part = run.parts[0]
    assert [row["step"] for row in read(part.path, "evaluations")] == [500]
    assert_same(aq.resume(run.path), reference)


@pytest.mark.parametrize("at", [310, 640])
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_an_evaluation(
    at: int, kind: signal.Signals, references: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    happening(lambda: signal.raise_signal(kind), at)
    with pytest.raises(KeyboardInterrupt if kind == signal.SIGINT else SystemExit):
        aq.train(HOST, out=tmp_path / "run", quiet=False)
    step = aq.Run(tmp_path / "run").summary["step"]
    assert f"stopping: {kind.name} received, saving at step {step}" in capsys.readouterr().out
    meta = checkpoint.load(newest(aq.Run(tmp_path / "run"))[0])[1]
    assert meta["begun"] < meta["iteration"]  # the block is to be looked at yet
    assert_same(aq.resume(tmp_path / "run", own=OWN), references["one-lane"])


@aq.component(Stop)
class Alarming:
    """Solved after so many episodes, and a signal comes with it.

    Attributes:
        episodes: How many.
    """

    episodes: aq.Size = 20
    quiet: ClassVar[bool] = True

    def reached(self, returns: Any, evaluation: Any) -> bool:
        over = len(returns) >= self.episodes
        if over and not self.quiet:
            signal.raise_signal(signal.SIGTERM)
        return over


@pytest.mark.parametrize("options", [{}, {"seeds": 2}, {"engine": "host"}])
def test_a_signal_in_the_evaluation_of_a_solved_seed(options: dict[str, Any], tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"stop": Alarming(10), "checkpoint_every": 100, "steps": 900})
    Alarming.quiet = True
    reference = aq.train(recipe, out=tmp_path / "reference", **options)
    Alarming.quiet = False
    with pytest.raises(SystemExit):
        aq.train(recipe, out=tmp_path / "run", **options)
    Alarming.quiet = True
    run = aq.Run(tmp_path / "run")
    assert not run.summary["finished"]
    assert all(seed["stopped"] is None and seed["best"] is None for seed in run.summary["seeds"])
    assert_same(aq.resume(run.path), reference)


def test_a_signal_in_the_evaluation_that_a_callback_called_for(tmp_path: Path) -> None:
    wishes: dict[str, Any] = {"callbacks": [lambda block: block.step >= 350]}
    happening(breaks, None)
    reference = aq.train(HOST, out=tmp_path / "reference", **wishes)
    (_, wished) = read(reference.path, "evaluations")

    def callback(block: Any) -> bool:
        if block.step >= 350:
            happening(lambda: signal.raise_signal(signal.SIGINT), 5)
        return bool(block.step >= 350)

    with pytest.raises(KeyboardInterrupt):
        aq.train(HOST, out=tmp_path / "run", callbacks=[callback])
    run = aq.Run(tmp_path / "run", own=OWN)
    assert (run.summary["step"], run.summary["finished"]) == (wished["step"], False)
    assert_same(aq.resume(run.path, own=OWN), reference)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_the_compiled_evaluation_is_halted_and_played_anew(seeds: tuple[int, ...]) -> None:
    engine = compiled_engine(CARTPOLE.agent, seeds=seeds)
    state = engine.start()
    before = engine.evaluate(state, 5, 3)
    with pytest.raises(KeyboardInterrupt), noting():  # noqa: PT012
        hold()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Halted):
            engine.evaluate(state, 5, 3)
    for played, again in zip(before, engine.evaluate(state, 5, 3), strict=True):
        np.testing.assert_array_equal(played.returns, again.returns)


def test_a_signal_in_a_long_block_does_not_wait_for_its_end(tmp_path: Path) -> None:
    class Slow(Fragile):
        def step(self, action: Any) -> Any:
            time.sleep(0.002)
            return super().step(action)

    whole = aq.replace(HOST, {"evaluation.every": 0, "checkpoint_every": 0, "steps": 2_000})
    happening(breaks, None)
    reference = aq.train(whole, out=tmp_path / "reference")
    happening(lambda: signal.raise_signal(signal.SIGTERM), 500)
    with pytest.raises(SystemExit):
        aq.train(aq.replace(whole, "env.id", Slow), out=tmp_path / "run")
    step = aq.Run(tmp_path / "run").summary["step"]
    assert 500 < step < 1_900
    assert_same(aq.resume(tmp_path / "run", own=OWN), reference)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_in_parts_is_the_block(engine: str) -> None:
    whole, parts = (ENGINES[engine](CARTPOLE.agent, lanes=2) for _ in range(2))
    state, (report,) = whole.run(whole.start(), 0, 200, 2_000)
    other, (told,) = parts.run(parts.start(), 0, 1, 2_000)
    for first, end in [(1, 30), (30, 30), (30, 137), (137, 200), (200, 200)]:
        other, (following,) = parts.run(other, first, end, 2_000, 0)
        told = joined(told, following)
    assert jax.tree.all(jax.tree.map(np.array_equal, state.learner, other.learner))
    assert told.metrics == report.metrics
    assert (told.step, told.updates, told.faults) == (report.step, report.updates, report.faults)
    for ours, theirs in zip(told.episodes, report.episodes, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_engine_tells_what_was_done_before_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, straight = (ENGINES["host"](CARTPOLE.agent, lanes=2) for _ in range(2))
    step, left = engine._env.step, [10 * CARTPOLE.agent.rollout + 3]

    def tired(actions: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise ZeroDivisionError
        return step(actions)

    monkeypatch.setattr(engine._env, "step", tired)
    with pytest.raises(Broken) as raised:
        engine.run(engine.start(), 0, 50, 2_000)
    assert (raised.value.iteration, type(raised.value.cause)) == (10, ZeroDivisionError)
    state, (report,) = straight.run(straight.start(), 0, 10, 2_000)
    ours, theirs = engine.save(raised.value.state), straight.save(state)
    assert ours[1] == theirs[1]
    for name, array in theirs[0].items():
        np.testing.assert_array_equal(ours[0][name], array)
    assert raised.value.reports[0].metrics == report.metrics


def test_blocks_end_where_they_would_without_interruption() -> None:
    times = Timetable(8, 100, 5_000, (300, 700, 0), ())
    ends = [0]
    while ends[-1] * 8 < 5_000:
        ends.append(times.end(ends[-1]))
    assert all(after - before <= 100 for before, after in pairwise(ends))
    assert {-(-step // 8) for every in (300, 700) for step in range(every, 5_001, every)} <= set(ends)
    assert ends[-1] == 625
    assert [times.crossed(iteration, 300) for iteration in (37, 38, 39)] == [False, True, False]
