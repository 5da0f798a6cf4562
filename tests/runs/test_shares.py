"""Schedules that count shares of a run, what becomes of them when it is made longer, and runs that stop learning."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.component import traced
from argmaxq.components.errors import UserError
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import TO_ZERO, Constant, Exponential, Linear, Multiplicative
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.runs.stretches import Stretch, extended, total_at
from argmaxq.training.standstill import foreseen, standing_still
from argmaxq.types import Clock
from oracles.parts import clock
from support.runs import CARTPOLE, assert_same, killed_at
from support.tiers import slow

SHARED = aq.replace(
    CARTPOLE,
    {
        "steps": 1_200,
        "evaluation.every": 400,
        "agent.exploration.epsilon": Linear(1.0, 0.0, 1.0, per="run"),
        "agent.optimiser": Adam(1e-3, annealing=TO_ZERO),
    },
)


@pytest.mark.parametrize(("step", "expected"), [(0, 1.0), (100, 0.75), (200, 0.5), (400, 0.5)])
def test_a_share_of_the_run(step: int, expected: float) -> None:
    schedule = traced(Linear(1.0, 0.5, 0.5, per="run"))
    assert float(schedule(clock(step=step, episode=9, update=9, total=400))) == pytest.approx(expected)
    assert float(traced(Exponential(1.0, 0.0, 0.5, per="run"))(clock(step=100, total=400))) == pytest.approx(
        np.exp(-0.5)
    )
    assert float(traced(Multiplicative(1.0, 0.0, 0.01, per="run"))(clock(step=200, total=400))) == pytest.approx(0.1)


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize("steps", [1_200, 2_400])
def test_epsilon_falls_over_the_whole_run_however_long(engine: str, steps: int, tmp_path: Path) -> None:
    run = aq.train(dataclasses.replace(SHARED, steps=steps), engine=engine, out=tmp_path / "run")
    rows = [row for row in read(run.path, "metrics") if "epsilon" in row]
    final = rows[-1]
    assert final["step"] == pytest.approx(steps, abs=8)
    assert final["epsilon"] < 0.25
    assert [row["epsilon"] for row in rows] == sorted((row["epsilon"] for row in rows), reverse=True)


def test_more_steps_are_shares_of_the_new_total_from_there_on(tmp_path: Path) -> None:
    run = aq.train(SHARED, out=tmp_path / "run")
    before = len(read(run.path, "metrics"))
    aq.resume(run.path, steps=1_200)
    rows = read(run.path, "metrics")[before:]
    middles = [1 - (row["step"] - 100) / 2_400 for row in rows]  # a block's mean epsilon is that of its middle
    assert [row["epsilon"] for row in rows] == pytest.approx(middles, abs=0.1)
    assert aq.Run(run.path).config["stretches"] == [[0, 1_200], [1_200, 2_400]]


@pytest.mark.parametrize(
    ("engine", "seeds"),
    [("compiled", 2), *(slow(*kind) for kind in (("compiled", 1), ("host", 2)))],
)
def test_a_kill_in_a_longer_stretch_resumes_bit_for_bit(engine: str, seeds: int, tmp_path: Path) -> None:
    for name in ("reference", "run"):
        aq.train(SHARED, engine=engine, seeds=seeds, out=tmp_path / name)
    reference = aq.resume(tmp_path / "reference", steps=1_200)
    with killed_at(tmp_path / "run", 1_500) as callbacks:
        aq.resume(tmp_path / "run", steps=1_200, callbacks=callbacks)
    with killed_at(tmp_path / "run", 2_100) as callbacks:
        aq.resume(tmp_path / "run", callbacks=callbacks)
    assert_same(aq.resume(tmp_path / "run"), reference)


def test_a_stretch_ends_where_the_newest_checkpoint_was_even_if_that_is_lost(tmp_path: Path) -> None:
    for name in ("reference", "run"):
        aq.train(SHARED, out=tmp_path / name)
    reference = aq.resume(tmp_path / "reference", steps=1_200)
    newest = checkpoint.checkpoints(tmp_path / "run" / "checkpoints")[-1]
    (newest / "arrays.safetensors").write_bytes(b"damaged")
    assert_same(aq.resume(tmp_path / "run", steps=1_200), reference)


def test_stretches() -> None:
    first = [Stretch(0, 100)]
    assert extended(first, 40, 100) == first
    longer = extended(first, 100, 300)
    assert longer == [Stretch(0, 100), Stretch(100, 300)]
    assert extended(longer, 100, 500) == [Stretch(0, 100), Stretch(100, 500)]
    assert [total_at(longer, step) for step in (0, 99, 100, 250)] == [100, 100, 300, 300]


STOPPING = aq.replace(SHARED, "agent.optimiser", Adam(1e-3, annealing=Linear(1.0, 0.0, 100, per="update")))
"""After 100 updates, at step 500 of 1,200, nothing is learnt."""


class TestStandstill:
    def test_is_foreseen_told_and_recorded(self, tmp_path: Path) -> None:
        with pytest.warns(UserWarning, match=r"nothing is learnt from step 500 of 1,200 .*agent.optimiser.annealing"):
            run = aq.train(STOPPING, out=tmp_path / "run")
        ended = run.summary["seeds"][0]["learnt_until"]
        assert 500 <= ended <= 900
        with pytest.warns(UserWarning, match="nothing is learnt from step 1,200 of 2,400"):
            run = aq.resume(run.path, steps=1_200)
        assert run.summary["seeds"][0]["learnt_until"] == ended

    def test_is_what_it_says(self, tmp_path: Path) -> None:
        """Parameters after it are the same, and before it they are not."""
        longer = aq.replace(STOPPING, {"checkpoint_every": 800, "steps": 2_000})
        with pytest.warns(UserWarning, match="nothing is learnt"):
            run = aq.train(longer, out=tmp_path / "run")
        before, after = (_kernel(run, step) for step in run_steps(run))
        assert np.array_equal(before, after)
        moving = aq.train(aq.replace(longer, "agent.optimiser.annealing", TO_ZERO), out=tmp_path / "moving")
        before, after = (_kernel(moving, step) for step in run_steps(moving))
        assert not np.array_equal(before, after)

    def test_the_command_line_says_it_before_and_when_it_happens(self, argmaxq: object, tmp_path: Path) -> None:
        words = ["--steps", "1200", "--agent.rollout", "4", "--agent.updates", "1", "--agent.learning-starts", "100"]
        schedule = ["--agent.optimiser.annealing.duration", "100", "--agent.optimiser.annealing.per", "update"]
        code, out, _ = argmaxq("train", "cartpole/dqn", *words, *schedule, "--evaluation.every", "400")  # type: ignore[operator]
        assert code == 0
        assert "nothing is learnt from step 500 of 1,200 on, where agent.optimiser.annealing comes to 0" in out
        assert "seed 0: nothing is learnt from step" in out

    def test_rates(self) -> None:
        assert standing_still(STOPPING.agent, Clock(0, 0, 100, 1))
        assert not standing_still(STOPPING.agent, Clock(10_000, 10_000, 99, 10_000))
        assert not standing_still(aq.find("frozenlake/q").agent, Clock(10**9, 10**9, 10**9, 1))
        half = aq.replace(aq.find("platform/pdqn"), "agent.optimiser.annealing", Linear(1.0, 0.0, 10, per="update"))
        assert not standing_still(half.agent, Clock(10**5, 0, 10**5, 2 * 10**5))  # the actor still learns

    @pytest.mark.parametrize("name", aq.recipes())
    def test_no_recipe_stops_learning_when_it_is_given_more_steps(self, name: str) -> None:
        recipe = aq.find(name)
        for factor in (1, 2, 10):
            assert not foreseen(dataclasses.replace(recipe, steps=factor * recipe.steps), recipe.env.lanes)


def run_steps(run: aq.Run) -> list[int]:
    """Where the two latest checkpoints are."""
    return [checkpoint.step_of(path) for path in checkpoint.checkpoints(run.path / "checkpoints")]


def _kernel(run: aq.Run, step: int) -> np.ndarray:
    arrays, _ = checkpoint.load(run.checkpoint(step))
    return next(array for name, array in arrays.items() if name.startswith("engine/learner/params") and array.ndim == 2)


class TestPlaces:
    """A schedule's defaults and its range are those of the place where it stands."""

    @pytest.mark.parametrize(("name", "first", "last"), [("constant", 1, 1), ("linear", 1, 0), ("exponential", 1, 0)])
    def test_a_factor_begins_at_one(self, name: str, first: float, last: float) -> None:
        chosen = aq.replace(aq.replace(aq.Recipe(), "agent.optimiser", Adam()), "agent.optimiser.annealing", name)
        assert chosen.agent.optimiser.annealing.extremes == (first, last)  # type: ignore[attr-defined]

    def test_an_annealed_recipe_with_constant_keeps_its_learning_rate(self) -> None:
        chosen = aq.replace(aq.find("cartpole/dqn"), "agent.optimiser.annealing", "constant")
        assert chosen.agent.optimiser.annealing == Constant(1.0)  # type: ignore[attr-defined]

    def test_a_length_is_not_taken_over_into_another_unit(self) -> None:
        recipe = aq.replace(aq.Recipe(), "agent.exploration.epsilon", Multiplicative(0.9, 0.1, 0.99, per="episode"))
        chosen = aq.replace(recipe, "agent.exploration.epsilon", "linear")
        assert chosen.agent.exploration.epsilon == Linear(0.9, 0.1, 0.1, per="run")  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("path", "value", "complaint"),
        [
            ("agent.exploration.epsilon", Constant(7.0), r"comes to 7, .* at least 0 and at most 1"),
            ("agent.exploration.epsilon", Linear(1.0, -3.0, 100), r"comes to -3, .* at least 0 and at most 1"),
            ("agent.optimiser.annealing", Constant(-1.0), r"comes to -1, .* at least 0"),
            ("agent.replay.beta", Constant(1.5), r"comes to 1.5"),
        ],
    )
    def test_ranges(self, path: str, value: object, complaint: str) -> None:
        recipe = aq.replace(aq.Recipe(), "agent.replay", "prioritised")
        with pytest.raises(UserError, match=f"{path} {complaint}"):
            aq.replace(recipe, path, value)

    def test_ranges_on_the_command_line(self, argmaxq: object) -> None:
        code, _, err = argmaxq("train", "cartpole/dqn", "--agent.exploration.epsilon.start", "7")  # type: ignore[operator]
        assert code == 2
        assert (
            err
            == "argmaxq: agent.exploration.epsilon comes to 7, out of its range: it must be at least 0 and at most 1\n"
        )

    def test_a_step_size_may_be_more_than_one(self) -> None:
        recipe = aq.replace(aq.find("mountaincar/tiles"), "agent.step_size.alpha", Constant(1.5))
        assert recipe.agent.step_size.alpha == Constant(1.5)  # type: ignore[attr-defined]


def test_no_warning_without_a_reason(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aq.train(aq.replace(SHARED, "agent.exploration", EpsilonGreedy()), out=tmp_path / "run")
