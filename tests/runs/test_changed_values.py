"""A run that is resumed with other values: recorded from which step on, bit for bit repeatable, refused in a line."""

import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.replay import ring, sum_tree
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import START, Row
from support.commands import SMALL, Command
from support.hostile import change_config, copied, untouched
from support.runs import CARTPOLE, PARALLEL, PLATFORM, PRIORITISED, assert_same, crashed, killed_at
from support.tiers import quick_ones

SHORT = aq.replace(CARTPOLE, {"steps": 1_000})
RATE = "agent.optimiser.learning_rate"


def spoil(run: aq.Run) -> None:
    """Lose the newest checkpoint of everything."""
    newest = checkpoint.checkpoints(run.path / "checkpoints")[-1]
    (newest / "arrays.safetensors").write_bytes(b"damaged")


KINDS: dict[str, tuple[aq.Recipe, dict[str, Any], dict[str, Any]]] = {
    "dqn": (SHORT, {}, {RATE: 1e-2, "agent.gamma": 0.9, "agent.batch_size": 8}),
    "two-seeds": (SHORT, {"seeds": 2}, {RATE: 1e-2, "agent.replay.capacity": 200}),
    "three-seeds": (SHORT, {"seeds": 3}, {"agent.bootstrap": "double", "agent.replay.capacity": 200}),
    "seeds-in-turn": (SHORT, {"engine": "host", "seeds": 2}, {RATE: 1e-2, "agent.replay.capacity": 200}),
    "prioritised": (
        aq.replace(PRIORITISED, {"steps": 1_000}),
        {},
        {"agent.replay.capacity": 300, "agent.n_step": 5, "agent.replay.alpha": 0.9},
    ),
    "pqn": (aq.replace(PARALLEL, {"steps": 2_048}), {"engine": "host"}, {"agent.epochs": 1, "agent.trace_decay": 0.5}),
    "pdqn": (aq.replace(PLATFORM, {"steps": 1_000}), {}, {"agent.actor_optimiser.learning_rate": 1e-2}),
    "table": (
        aq.replace(aq.find("frozenlake/q"), {"steps": 2_000, "evaluation.every": 0, "checkpoint_every": 400}),
        {},
        {"agent.step_size.power": 0.7, "agent.gamma": 0.9},
    ),
    "evaluations": (SHORT, {}, {"evaluation.every": 130, "checkpoint_every": 90, "evaluation.episodes": 1}),
}


QUICK = ("dqn", "table")


@pytest.mark.parametrize("name", quick_ones(KINDS, QUICK))
def test_a_kill_after_other_values_resumes_bit_for_bit(name: str, tmp_path: Path) -> None:
    recipe, options, values = KINDS[name]
    run = crashed(recipe, tmp_path / "run", recipe.steps * 6 // 10, **options)
    copied(run.path, tmp_path / "reference")
    reference = aq.resume(tmp_path / "reference", values)
    with killed_at(run.path, 1) as callbacks:  # before a new checkpoint was written
        aq.resume(run.path, values, callbacks=callbacks)
    with killed_at(run.path, recipe.steps * 9 // 10) as callbacks:
        aq.resume(run.path, callbacks=callbacks)
    assert_same(aq.resume(run.path), reference)


def test_they_make_it_another_run(tmp_path: Path) -> None:
    run = crashed(SHORT, tmp_path / "run", 600)
    copied(run.path, tmp_path / "other")
    ours, theirs = aq.resume(run.path).arrays("last"), aq.resume(tmp_path / "other", {RATE: 1e-2}).arrays("last")
    assert not np.array_equal(ours["output/kernel"], theirs["output/kernel"])


def test_they_are_recorded_with_the_step_and_what_they_were(tmp_path: Path) -> None:
    run = crashed(SHORT, tmp_path / "run", 600)
    step = checkpoint.step_of(checkpoint.checkpoints(run.path / "checkpoints")[-1])
    assert step == 500
    run = aq.resume(run.path, {RATE: 1e-2, "agent.exploration.epsilon.end": "0.2"})
    first = {
        "step": step,
        "values": {"agent.exploration.epsilon.end": 0.2, RATE: 1e-2},
        "before": {"agent.exploration.epsilon.end": 0.1, RATE: 1e-3},
    }
    assert run.config["changes"] == [first]
    assert run.recipe == aq.replace(SHORT, {RATE: 1e-2, "agent.exploration.epsilon.end": 0.2})
    epsilons = {row["step"]: row["epsilon"] for row in read(run.path, "metrics") if "epsilon" in row}
    assert epsilons[max(epsilons)] == pytest.approx(0.25, abs=0.1)
    run = aq.resume(run.path, {"agent.bootstrap": "double"}, steps=200)
    second = {"step": 1_000, "values": {"agent.bootstrap": {"type": "bootstrap/double"}}}
    assert run.config["changes"] == [first, second | {"before": {"agent.bootstrap": {"type": "bootstrap/max"}}}]
    assert (run.summary["finished"], run.summary["step"], run.recipe.steps) == (True, 1_200, 1_200)


def test_what_a_solved_seed_learnt_without_records_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is trained on while the others are not solved, and then goes on from where they are."""
    rule = {"stop": "evaluation-return", "stop.threshold": -13.5, "evaluation.every": 200, "evaluation.episodes": 1}
    run = aq.train(aq.replace(aq.find("cliff/q"), rule), seeds=4, steps=3_000, out=tmp_path / "run")
    solved = {seed["seed"]: seed["step"] for seed in run.summary["seeds"]}
    assert min(solved.values()) < max(solved.values())
    latest = checkpoint.step_of(checkpoint.checkpoints(run.path / "checkpoints")[-1])
    run = aq.resume(run.path, {"stop": "never"}, steps=500, quiet=False)
    said = capsys.readouterr().out
    for seed, step in solved.items():
        line = f"seed {seed} was over at step {step:,} and goes on from step {latest:,}"
        assert (line in said) == (step < latest)


def test_values_that_it_has_are_no_change(tmp_path: Path) -> None:
    run = crashed(SHORT, tmp_path / "run", 600)
    reference = aq.train(SHORT, out=tmp_path / "reference")
    run = aq.resume(run.path, {RATE: 1e-3})
    assert "changes" not in run.config
    assert_same(run, reference)


def test_a_kill_while_they_are_recorded_is_made_good(tmp_path: Path) -> None:
    """The run's own configuration is written, and not yet those of its seeds."""
    run = crashed(SHORT, tmp_path / "run", 600, engine="host", seeds=2)
    copied(run.path, tmp_path / "reference")
    reference = aq.resume(tmp_path / "reference", {"agent.replay.capacity": 200})
    shutil.copy(reference.path / "config.json", run.path / "config.json")
    run = aq.resume(run.path)
    assert_same(run, reference)
    for ours, theirs in zip(run.parts, reference.parts, strict=True):
        assert ours.config["changes"] == theirs.config["changes"]
        assert ours.recipe == theirs.recipe


def test_a_lost_checkpoint_makes_them_begin_earlier_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = crashed(SHORT, tmp_path / "run", 900)
    assert [path.name for path in checkpoint.checkpoints(run.path / "checkpoints")] == [
        "step-000000500",
        "step-000000752",
    ]
    spoil(run)
    run = aq.resume(run.path, {RATE: 1e-2}, quiet=False)
    assert "hold from step 500 on, since newer checkpoints are lost" in capsys.readouterr().out
    assert run.config["changes"][0]["step"] == 500


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"agent.network.hidden": (32, 32)},
        r"hidden = \[32, 32\]: it does not fit the run's state \(learner/params/Dense_0",
    ),
    ({"agent.network.hidden": (16,)}, r"is float32\[16\] there, and would be absent|float32"),
    ({"agent.network.head": "dueling"}, "head = dueling: it does not fit the run's state"),
    ({"agent.replay": "prioritised"}, "replay = prioritised: it does not fit the run's state"),
    ({"agent": "pqn"}, "agent = pqn: the run's state is that of dqn; argmaxq train RECIPE --from RUN"),
    ({"agent.rollout": 2}, r"agent.rollout = 2: the run counts in rollouts of 4"),
    ({"agent.replay.capacity": 700}, r"agent.replay.capacity = 700: 600 rows are allocated, and stay so"),
    ({"agent.replay.capacity": 3}, "agent.replay.capacity = 3 is too small"),
    ({"env.lanes": 2}, r"env.lanes = 2: a run keeps its environment and its lanes; .*--from RUN"),
    ({"env.id": "Acrobot-v1"}, r"env.id = Acrobot-v1: a run keeps its environment"),
    ({"env": "Acrobot-v1"}, r"env.id = Acrobot-v1: a run keeps its environment"),
    ({"steps": 5_000}, r"steps = 5000: how many more, such as --steps"),
    ({"agent.gamma": 2.0}, r"agent.gamma = 2.0 is out of its range"),
    ({"agent.optimizer.learning_rate": 1.0}, r"did you mean agent.optimiser"),
    ({"agent.batch_size": 2**31 - 1, "agent.updates": 1_000}, r"training needs .* of memory"),
]


@pytest.fixture(scope="module")
def halfway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in the middle, which is only looked at."""
    return crashed(SHORT, tmp_path_factory.mktemp("halfway") / "run", 600).path


@pytest.mark.parametrize(("values", "words"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_changed(values: dict[str, Any], words: str, halfway: Path) -> None:
    with untouched(halfway), pytest.raises(UserError, match=words):
        aq.resume(halfway, values)


def test_one_of_several_seeds_keeps_its_values(tmp_path: Path) -> None:
    run = crashed(SHORT, tmp_path / "run", 600, engine="host", seeds=2)
    with untouched(run.parts[0].path), pytest.raises(UserError, match="seed-0 is one seed of a run: other values are"):
        aq.resume(run.parts[0].path, {RATE: 1e-2})
    aq.resume(run.parts[1].path, steps=200)
    assert aq.resume(run.path).parts[1].recipe.steps == 1_200


def test_a_finished_run_wants_more_steps(tmp_path: Path) -> None:
    run = aq.train(aq.replace(SHORT, {"steps": 400}), out=tmp_path / "run")
    with pytest.raises(UserError, match="is finished: other values want more steps, --steps MORE"):
        aq.resume(run.path, {RATE: 1e-2})
    assert aq.resume(run.path, {RATE: 1e-2}, steps=200).summary["step"] == 600


@pytest.mark.parametrize("options", [{}, {"engine": "host", "seeds": 2}])
def test_a_solved_run_goes_on_with_another_stop(options: dict[str, Any], tmp_path: Path) -> None:
    recipe = aq.replace(SHORT, {"stop": aq.TrainingReturn(1.0, 20)})
    run = aq.train(recipe, out=tmp_path / "run", **options)
    assert run.summary["step"] < 1_000
    with pytest.raises(UserError, match="is finished, since it is solved: other values want another stop"):
        aq.resume(run.path, {RATE: 1e-2})
    run = aq.resume(run.path, {"stop": aq.Never()})
    assert (run.summary["finished"], run.summary["step"]) == (True, 1_000)
    assert {seed["solved_at"] for seed in run.summary["seeds"]} == {None}


def test_what_a_callback_ended_goes_on_with_other_values(tmp_path: Path) -> None:
    run = aq.train(SHORT, out=tmp_path / "run", callbacks=[lambda block: block.step >= 400])
    assert run.summary["finished"]
    assert aq.resume(run.path, {RATE: 1e-2}).summary["step"] == 1_000


CHANGES = [
    None,
    3,
    {},
    [3],
    [{}],
    [{"step": -1, "values": {}, "before": {}}],
    [{"step": 0, "values": [], "before": {}}],
]


@pytest.mark.parametrize("value", CHANGES, ids=str)
def test_what_a_folder_says_of_changes_is_checked(value: Any, halfway: Path, tmp_path: Path) -> None:
    run = copied(halfway, tmp_path / "run")
    change_config(run, lambda config: config.update(changes=value))
    with pytest.raises(UserError, match=r"config.json.changes"):
        aq.Run(run)


def test_a_capacity_that_was_none_is_told(halfway: Path, tmp_path: Path) -> None:
    run = copied(halfway, tmp_path / "run")
    change = {"step": 0, "values": {"agent.replay.capacity": 5}, "before": {"agent.replay.capacity": {"x": "y"}}}
    change_config(run, lambda config: config.update(changes=[change]))
    with pytest.raises(UserError, match=r"step-0000"):
        aq.resume(run)


def test_on_the_command_line(argmaxq: Command, tmp_path: Path) -> None:
    assert argmaxq("train", *SMALL, "--out", "run", "--quiet")[0] == 0
    code, out, err = argmaxq("resume", "run", "--steps", "400", "--agent.optimiser.learning-rate", "1e-4")
    assert (code, err) == (0, "")
    assert "from step 1,200 on, and no longer the run it would have been:\n" in out
    assert "  agent.optimiser.learning_rate = 0.0001 (was 0.0023)\n" in out
    for words, complaint in (
        (["--agent.network.hidden", "8"], "it does not fit the run's state"),
        (["--step", "7"], "there is no option --step: did you mean --steps?"),
        (["--nonsense", "7"], "there is no nonsense"),
        (["--agent.gamma"], "--agent.gamma needs a value"),
        (["more"], "'more' belongs to no option"),
    ):
        code, out, err = argmaxq("resume", "run", "--steps", "400", *words)
        assert (code, out, err.count("\n")) == (2, "", 1), words
        assert complaint in err


SPACES = Spaces(ArraySpec((), "float32"), DiscreteActions(2))


def rows(first: int, count: int, lanes: int) -> Row:
    """Rows whose observations say which they are: 10 t + lane; some are an episode's last."""
    number = np.arange(first, first + count)
    obs = jnp.asarray(10 * number[:, None] + np.arange(lanes), jnp.float32)
    flags = jnp.zeros(obs.shape, bool)
    last = jnp.asarray(np.tile(number[:, None] % 7 == 6, lanes))
    return Row(obs, flags.astype(jnp.int32), obs, flags, flags, last)


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("written", [3, 20, 24, 50])
@pytest.mark.parametrize(("before", "after"), [(24, 24), (24, 10), (10, 24), (16, 12)])
def test_a_replay_of_another_capacity_holds_the_newest_rows_in_order(
    before: int, after: int, written: int, lanes: int
) -> None:
    """And goes on as if it had held only these: what is drawn are whole windows of rows that follow each other."""
    n, old, new = 3, *(Prioritised(capacity=size * lanes, allocation=24 * lanes) for size in (before, after))
    state, plain = old.init(SPACES, lanes, 4), Uniform(before * lanes, 24 * lanes).init(SPACES, lanes, 4)
    for t in range(written):
        state = old.add(state, rows(t, 1, lanes), n)
        plain = Uniform(before * lanes, 24 * lanes).add(plain, rows(t, 1, lanes), n)
    state = new.resized(state, before * lanes, n)
    plain = Uniform(after * lanes, 24 * lanes).resized(plain, before * lanes, n)
    for t in range(written, written + 4):
        kept = min(written, before, after) + t - written
        held = ring.length(state.ring, after * lanes)
        for own in (state.ring, plain):
            assert int(own.written) == kept
            slots = (kept - 1 - np.arange(min(kept, int(held)))) % int(held)
            np.testing.assert_array_equal(own.rows.obs[slots, 0], 10.0 * (t - 1 - np.arange(len(slots))))
        state = new.add(state, rows(t, 1, lanes), n)
        plain = Uniform(after * lanes, 24 * lanes).add(plain, rows(t, 1, lanes), n)
    bits = jax.random.bits(jax.random.key(0), (64,))
    for drawn in (
        new.sample(state, bits, n, 0.5, START),
        Uniform(after * lanes, 24 * lanes).sample(plain, bits, n, 0.5, START),
    ):
        seen, following = (
            np.asarray(leaf)[np.asarray(drawn.weight) > 0] for leaf in (drawn.transition.obs, drawn.transition.next_obs)
        )
        assert len(seen)
        oldest = max(0, written - min(before, after), written + 4 - after)
        assert (seen >= 10 * oldest).all()
        assert set((following - seen).tolist()) <= {30.0}
    np.testing.assert_allclose(sum_tree.total(state.tree), np.sum(state.tree[len(state.tree) // 2 :]), rtol=1e-6)
