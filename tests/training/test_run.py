"""The driver and its folder: boundaries, checkpoints, policies, divergence."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.training.loop import Diverged
from samples.probes import OneStep
from support.runs import CARTPOLE, PARALLEL, assert_same, contents, crashed, newest
from support.tiers import slow


@pytest.mark.parametrize("options", [{}, {"engine": "host"}, {"seeds": 2}])
def test_the_same_command_twice_gives_the_same_bits(options: dict[str, Any], tmp_path: Path) -> None:
    one, other = (aq.train(CARTPOLE, steps=800, out=tmp_path / name, **options) for name in ("one", "other"))
    assert_same(one, other)
    another = aq.train(CARTPOLE, steps=800, seed=7, out=tmp_path / "another", **options)
    bytes_of = [{value[0] for name, value in contents(run).items() if name.endswith("last")} for run in (one, another)]
    assert not bytes_of[0] & bytes_of[1]


def steps_of(run: aq.Run, kind: str) -> list[int]:
    return [row["step"] for row in read(run.path, kind)]


def test_boundaries_fall_on_the_first_iteration_that_crosses_them(tmp_path: Path) -> None:
    # An iteration is 16 rows of 8 lanes.
    recipe = aq.replace(PARALLEL, {"evaluation.every": 300, "checkpoint_every": 450, "steps": 1_500})
    saved: list[str] = []
    callbacks = [lambda block: saved.append(newest(aq.Run(tmp_path / "run"))[-1:])]
    run = aq.train(recipe, out=tmp_path / "run", callbacks=callbacks)
    assert run.summary["step"] == 1_536
    assert steps_of(run, "evaluations") == [384, 640, 1_024, 1_280, 1_536]
    names = [path.name for path in checkpoint.checkpoints(run.path / "checkpoints")]
    assert names == ["step-000001408", "step-000001536"]
    seen = {path.name for paths in saved for path in paths}
    assert seen == {f"step-{step:09d}" for step in (512, 1_024, 1_408)}
    # No block is longer than 2048 steps, and none ends for nothing.
    assert steps_of(run, "metrics") == [384, 512, 640, 1_024, 1_280, 1_408, 1_536]


def test_an_interval_below_an_iteration_means_every_iteration(tmp_path: Path) -> None:
    recipe = aq.replace(PARALLEL, {"evaluation.every": 50, "checkpoint_every": 1, "steps": 300})
    run = aq.train(recipe, out=tmp_path / "run")
    assert steps_of(run, "evaluations") == steps_of(run, "metrics") == steps_of(run, "times") == [128, 256, 384]


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_intervals_do_not_change_what_is_learnt(engine: Any, tmp_path: Path) -> None:
    ends = []
    for number, (every, saves) in enumerate([(500, 250), (0, 0), (333, 77)]):
        recipe = aq.replace(CARTPOLE, {"evaluation.every": every, "checkpoint_every": saves, "steps": 1_001})
        run = aq.train(recipe, out=tmp_path / str(number), engine=engine)
        assert run.summary["step"] == 1_004
        arrays, _ = checkpoint.load(run.checkpoint("last"))
        ends.append((arrays, read(run.path, "episodes")))
    for arrays, episodes in ends[1:]:
        assert episodes == ends[0][1]
        assert all(np.array_equal(arrays[name], ends[0][0][name]) for name in arrays)


def test_without_evaluation_the_best_policy_is_the_last(tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"evaluation.every": 0, "checkpoint_every": 0, "steps": 600})
    run = aq.train(recipe, out=tmp_path / "run")
    assert [path.name for path in checkpoint.checkpoints(run.path / "checkpoints")] == ["step-000000600"]
    best, last = (run.path / "checkpoints" / name / "arrays.safetensors" for name in ("best", "last"))
    assert best.read_bytes() == last.read_bytes()
    assert run.evaluate(episodes=2).mean == run.evaluate(episodes=2, which="last").mean
    assert "best" not in run.summary
    assert run.summary["seeds"][0]["best"] is None


def test_no_steps_at_all(tmp_path: Path) -> None:
    run = aq.train(CARTPOLE, steps=0, out=tmp_path / "run")
    assert run.summary["finished"]
    assert run.evaluate(episodes=2).mean > 0
    longer = aq.resume(run.path, steps=500)
    assert_same(longer, aq.train(CARTPOLE, steps=500, out=tmp_path / "longer"))


def test_whole_numbers_may_be_written_as_floats(tmp_path: Path) -> None:
    recipe = aq.Recipe(CARTPOLE.agent, steps=6e2, evaluation=aq.Evaluation(5e2, 2), checkpoint_every=2.5e2)
    run = aq.train(recipe, out=tmp_path / "run", engine="host")
    assert steps_of(run, "evaluations") == [500, 600]
    assert newest(run)[0].name == "step-000000600"


def test_the_last_policy_is_there_after_every_checkpoint(tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 700)
    assert not run.summary["finished"]
    inside, _ = checkpoint.load(newest(run)[0])
    for name, array in checkpoint.load(run.checkpoint("last"))[0].items():
        np.testing.assert_array_equal(array, inside[f"engine/learner/params/{name}"])


def test_the_best_policy_comes_back_from_the_checkpoint(tmp_path: Path) -> None:
    # Evaluations of one episode differ much, so that the best one is seldom the last.
    recipe = aq.replace(CARTPOLE, {"evaluation.every": 100, "evaluation.episodes": 1})
    reference = aq.train(recipe, out=tmp_path / "reference")
    rows = read(reference.path, "evaluations")
    top = max(row["mean"] for row in rows)
    newest_top = max(row["step"] for row in rows if row["mean"] == top)
    best = {"step": newest_top, "mean": top, "of_selecting_evaluations": len(rows)}
    assert reference.summary["seeds"][0]["best"] == best
    then = aq.train(aq.replace(recipe, {"steps": newest_top}), out=tmp_path / "then").checkpoint("last")
    arrays = "arrays.safetensors"
    assert (reference.checkpoint("best") / arrays).read_bytes() == (then / arrays).read_bytes()
    # What a killed process wrote after its last checkpoint does not count.
    run = crashed(recipe, tmp_path / "run", 1_800)
    other = checkpoint.load(run.checkpoint("last"))[0]
    checkpoint.save(run.path / "checkpoints", "best", {name: array + 1 for name, array in other.items()}, {"step": 9})
    assert_same(aq.resume(run.path), reference)


EXPLOSIVE = aq.replace(CARTPOLE, {"agent.optimiser.learning_rate": 1e30, "agent.learning_starts": 600})


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_divergence_keeps_the_last_good_checkpoint(engine: Any, tmp_path: Path) -> None:
    words = r"seed 0: no longer finite .* step 7\d\d: loss, q; last good checkpoint: that of step 500\. Likely"
    with pytest.raises(Diverged, match=words):
        aq.train(EXPLOSIVE, out=tmp_path / "run", engine=engine)
    run = aq.Run(tmp_path / "run")
    assert run.summary["seeds"][0]["stopped"] == "diverged"
    assert not run.summary["finished"]
    json.loads((run.path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert newest(run)[0].name == "step-000000500"
    for which in ("best", "last", "500"):
        assert run.evaluate(episodes=2, which=which).mean > 0
    assert read(run.path, "metrics")[-1]["loss"] is None
    with pytest.raises(Diverged):
        aq.resume(run.path)
    assert newest(run)[0].name == "step-000000500"


def test_what_diverged_before_anything_was_saved_is_not_to_be_resumed(tmp_path: Path, capsys: Any) -> None:
    recipe = aq.replace(EXPLOSIVE, {"checkpoint_every": 0, "evaluation.every": 0})
    words = r"last good checkpoint: none yet\. .*max_grad_norm\)\. Try a smaller learning rate, or another seed$"
    with pytest.raises(Diverged, match=words):
        aq.train(recipe, out=tmp_path / "run", quiet=False)
    said = capsys.readouterr().out
    assert "  diverged " in said
    assert "  next " not in said


def test_parameters_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    # The first update's own loss is finite; a checkpoint is due before the second one shows what has happened.
    steep = {"agent.optimiser": SGD(3e38), "agent.returns": Scalar(Squared()), "agent.rewards.factor": 1e4}
    changes = {**steep, "checkpoint_every": 4, "evaluation.every": 0}
    with pytest.raises(Diverged, match=r"step 100: a parameter; last good checkpoint: that of step 96"):
        aq.train(aq.replace(CARTPOLE, changes), out=tmp_path / "run")
    assert aq.Run(tmp_path / "run").evaluate(episodes=1).mean > 0


class Poisoned(gym.Wrapper):
    """CartPole whose reward is NaN at one step of its life."""

    def __init__(self, at: int) -> None:
        super().__init__(gym.make("CartPole-v1"))
        self.at, self.time = at, 0

    def step(self, action: Any) -> Any:
        self.time += 1
        obs, reward, *rest = self.env.step(action)
        return obs, np.nan if self.time == self.at else reward, *rest


def test_a_reward_that_is_not_finite_is_found_before_the_next_checkpoint(tmp_path: Path) -> None:
    # Long before learning starts; in the middle of a block and of an episode.
    recipe = aq.replace(CARTPOLE, {"env.id": Poisoned, "env.kwargs": {"at": 470}, "agent.learning_starts": 1_500})
    words = r"a reward that is not finite .* last good checkpoint: that of step 252$"
    with pytest.raises(Diverged, match=words):
        aq.train(recipe, out=tmp_path / "run")
    arrays, _ = checkpoint.load(newest(aq.Run(tmp_path / "run"))[0])
    assert all(np.isfinite(array).all() for array in arrays.values())
    # An environment that errs only now and then can go on from there.
    run = aq.resume(tmp_path / "run", own={"env.id": lambda at: Poisoned(10**9)})
    assert run.summary["finished"]


gym.register("Poisoned-v0", Poisoned)


def test_the_command_that_looks_closer_is_named_where_the_environment_has_a_name(tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"env.id": "Poisoned-v0", "env.kwargs": {"at": 70}})
    words = r"last good checkpoint: none yet. Try: argmaxq check Poisoned-v0 --kwargs '\{\"at\": 70\}'"
    with pytest.raises(Diverged, match=words):
        aq.train(recipe, out=tmp_path / "run")


class Treacherous(OneStep):
    """Reward 1, and seldom NaN."""

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        return jnp.where(jax.random.uniform(rng) < 1e-3, jnp.nan, 1.0)


@pytest.mark.parametrize("engine", [slow("compiled"), "host"])
def test_seeds_that_diverge_leave_the_others_alone(engine: Any, tmp_path: Path) -> None:
    changes = {"env.id": Treacherous, "steps": 1_000, "evaluation.every": 0, "checkpoint_every": 100}
    recipe = aq.replace(CARTPOLE, changes)
    run = aq.train(recipe, out=tmp_path / "run", seed=4, seeds=3, engine=engine)
    assert run.summary["finished"]
    assert {seed["seed"]: seed["stopped"] for seed in run.summary["seeds"]} == {
        4: "diverged",
        5: "at the last step",
        6: "at the last step",
    }
    for part in run.parts:
        arrays, meta = checkpoint.load(part.checkpoint("last"))
        assert all(np.isfinite(array).all() for array in arrays.values())
        assert (meta["step"] == 1_000) == (part.seeds[0] != 4)
    alone = aq.train(recipe, out=tmp_path / "alone", seed=5, seeds=2, engine=engine)
    for part in alone.parts:
        same = run.path / part.path.name
        for file in ("metrics.jsonl", "episodes.jsonl", "checkpoints/last/arrays.safetensors"):
            assert (same / file).read_bytes() == (part.path / file).read_bytes()
    crashed(recipe, tmp_path / "again", 500, seed=4, seeds=3, engine=engine)
    assert_same(aq.resume(tmp_path / "again", own={"env.id": Treacherous}), run)


def test_of_several_seeds_one_is_named(tmp_path: Path) -> None:
    run = aq.train(aq.replace(CARTPOLE, {"steps": 0, "evaluation.every": 0}), seed=4, seeds=2, out=tmp_path / "run")
    with pytest.raises(aq.UserError, match=r"holds 2 runs: name one of them, .* in Python run\.seed\(4\)"):
        run.evaluate()
    assert run.seed(5).seeds == run.seed(5).seed(5).seeds == (5,)
    assert run.seed(5).policy("last")([0.0, 0.0, 0.0, 0.0]) in (0, 1)
    with pytest.raises(aq.UserError, match=r"has no seed 6: it has 4, 5$"):
        run.seed(6)


def test_all_seeds_diverging_is_an_error(tmp_path: Path) -> None:
    for engine in ("compiled", "host"):
        with pytest.raises(Diverged, match="seed 0: no longer finite"):
            aq.train(EXPLOSIVE, out=tmp_path / engine, seeds=2, engine=engine)  # type: ignore[arg-type]
        assert not list((tmp_path / engine).glob("**/*.partial"))


def test_evaluations_that_are_not_finite_are_no_best(tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"env.id": partial(Poisoned, 20), "steps": 500, "stop": aq.EvaluationReturn(1.0)})
    training = iter([Poisoned(10**9)])
    recipe = aq.replace(recipe, {"env.id": lambda: next(training, None) or Poisoned(20), "evaluation.episodes": 1})
    with pytest.raises(Diverged):
        aq.train(recipe, out=tmp_path / "run")


def test_records_can_be_read_while_training_goes_on(tmp_path: Path) -> None:
    """After the first block; then every few seconds, which no test waits for."""
    seen: list[int] = []

    def look(block: Any) -> bool:
        seen.append(len(read(tmp_path / "run", "episodes")))
        return len(seen) == 2

    recipe = aq.replace(CARTPOLE, {"checkpoint_every": 2_000})
    aq.train(recipe, out=tmp_path / "run", callbacks=[look])
    assert seen[0] == 0 < seen[1]
