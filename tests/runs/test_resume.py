"""A run that was stopped or damaged and then resumed comes to the end of one that was left alone."""

import os
import shutil
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.training.block import Block, called_off
from support.commands import command
from support.hostile import untouched
from support.runs import CARTPOLE, DRAWING, PARALLEL, assert_same, contents, crashed, killed_at, newest
from support.tiers import slow

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


class TestCrash:
    """In this process, at a block's end that is no checkpoint: a quick look at many kinds of run."""

    @pytest.mark.parametrize(
        ("recipe", "options"),
        [
            slow(CARTPOLE, {"seeds": 3}),
            (aq.replace(CARTPOLE, {"env.lanes": 2}), {"seeds": 5}),
            (aq.replace(PARALLEL, {"env.lanes": 2, "steps": 1_024}), {"engine": "host", "seeds": 2}),
            (DRAWING, {}),
            slow(DRAWING, {"engine": "host"}),
            slow(aq.replace(CARTPOLE, {"evaluation.every": 0, "agent.rollout": 7}), {}),
            slow(aq.replace(PARALLEL, {"env.id": "LunarLander-v3", "steps": 2_048}), {}),
        ],
        ids=[
            "three-seeds",
            "five-seeds-that-are-filled-up",
            "host-seeds",
            "drawing",
            "drawing-host",
            "odd-rollouts",
            "lanes",
        ],
    )
    def test_resumed_equals_uninterrupted(self, recipe: aq.Recipe, options: dict[str, Any], tmp_path: Path) -> None:
        reference = aq.train(recipe, out=tmp_path / "reference", **options)
        crashed(recipe, tmp_path / "run", 600, **options)
        with killed_at(tmp_path / "run", 900) as callbacks:
            aq.resume(tmp_path / "run", callbacks=callbacks)
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


def damaged(run: aq.Run, count: int) -> list[Path]:
    """The newest ``count`` checkpoints of a run, of which each has lost its arrays."""
    paths = checkpoint.checkpoints(run.path / "checkpoints")[-count:]
    for path in paths:
        (path / "arrays.safetensors").unlink()
    return paths


def test_damaged_checkpoints_do_not_push_out_good_ones(tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    damaged(run, 1)
    with killed_at(run.path, 1_300) as callbacks:
        aq.resume(run.path, callbacks=callbacks)
    whole = checkpoint.latest(run.path / "checkpoints", pytest.fail)
    assert whole is not None
    assert whole.name == "step-000001252"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("options", [{}, {"seeds": 2}])
def test_without_any_readable_checkpoint_nothing_is_begun_anew(options: dict[str, Any], tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400, **options)
    damaged(run, 2)
    before = everything(run.path)
    with pytest.raises(
        UserError, match=r"no checkpoint of .* can be read, so nothing was changed: .*the file is missi"
    ):
        aq.resume(run.path)
    after = everything(run.path)
    drawn = {name for name in after if name.endswith("curve.png")}
    assert {name: after[name] for name in after.keys() - drawn} == {
        name: before[name] for name in before.keys() - drawn
    }


def test_a_checkpoint_of_a_later_version_is_not_passed_over(tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    (newer,) = newest(run)
    header = newer / "checkpoint.json"
    header.write_text(header.read_text().replace('"format": 2', '"format": 4'))
    before = everything(run.path)
    with pytest.raises(UserError, match="its format is 4, this argmaxq reads 2 and 3: use the one that wrote it"):
        aq.resume(run.path)
    assert {name: content for name, content in everything(run.path).items() if name in before} == before


@pytest.mark.parametrize("which", ["best", "step-000001252"])
def test_a_checkpoint_of_another_run_is_refused(which: str, reference: aq.Run, tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_400)
    other = crashed(CARTPOLE, tmp_path / "other", 1_400)
    place = run.path / "checkpoints" / which
    shutil.rmtree(place)
    shutil.copytree(other.path / "checkpoints" / which, place)
    with pytest.raises(UserError, match=rf"{which} is a checkpoint of another run: put back this run's own"):
        run.evaluate(episodes=1, which=which.removeprefix("step-00000"))


def test_the_newest_checkpoint_of_another_run_is_not_resumed(tmp_path: Path) -> None:
    run, other = (crashed(CARTPOLE, tmp_path / name, 1_400) for name in ("run", "other"))
    (place,), (foreign,) = newest(run), newest(other)
    shutil.rmtree(place)
    shutil.copytree(foreign, place)
    before = everything(run.path)
    with pytest.raises(UserError, match="is a checkpoint of another run"):
        aq.resume(run.path)
    assert {name: content for name, content in everything(run.path).items() if name in before} == before


def test_a_checkpoint_of_another_seed_is_refused(tmp_path: Path) -> None:
    run = aq.train(CARTPOLE, steps=400, seeds=2, out=tmp_path / "run")
    one, other = (part.path / "checkpoints" / "best" for part in run.parts)
    shutil.rmtree(one)
    shutil.copytree(other, one)
    with pytest.raises(UserError, match="is a checkpoint of seed 1, not 0: put back the right one"):
        run.parts[0].evaluate(episodes=1)


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
        assert read(ours.path, "episodes") == read(theirs.path, "episodes")
        # The policy that was the last one at first was evaluated, too, and takes part in what is best.
        rows = read(ours.path, "evaluations")
        assert [row["step"] for row in rows] == [500, 1_000, 1_100, 1_500, 1_700]
        assert [row for row in rows if row["step"] != 1_100] == read(theirs.path, "evaluations")
        top = max(rows, key=lambda row: (row["mean"], row["step"]))
        (seed,) = ours.summary["seeds"]
        assert seed["best"] == {"step": top["step"], "mean": top["mean"], "of_selecting_evaluations": 5}
        assert seed["final_evaluation"] == rows[-1]["mean"]
        assert ours.step("best") == top["step"]
        last = "checkpoints/last/arrays.safetensors"
        assert (ours.path / last).read_bytes() == (theirs.path / last).read_bytes()


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
    assert [row["step"] for row in read(run.path, "evaluations")] == [500, 752]
    run = aq.resume(run.path, steps=500)
    rows = [row for row in read(run.path, "evaluations") if row["step"] != 752]
    assert rows == read(reference.path, "evaluations")
    for file in ("metrics.jsonl", "episodes.jsonl", "checkpoints/last/arrays.safetensors"):
        assert (run.path / file).read_bytes() == (reference.path / file).read_bytes()


def test_more_steps_than_can_be_counted_leave_the_run_as_it_is(tmp_path: Path) -> None:
    run = aq.train("cliff/q", steps=500, out=tmp_path / "run")
    with untouched(run.path), pytest.raises(UserError, match="steps = 2147484147"):
        aq.resume(run.path, {"agent.gamma": 0.9}, steps=2**31 - 1)


@pytest.mark.parametrize("ends", [np.bool_(True), jnp.bool_(True), np.array(True)], ids=["numpy", "jax", "array"])
def test_a_callback_ends_a_run_by_any_true(ends: Any, tmp_path: Path) -> None:
    run = aq.train("cliff/q", steps=60_000, out=tmp_path / "run", callbacks=[lambda block: ends])
    assert run.summary["seeds"][0]["stopped"] == "by a callback"


@pytest.mark.parametrize("other", [1, np.int64(1), np.array([True]), "True", np.bool_(False)], ids=repr)
def test_nothing_else_that_a_callback_returns_ends_a_run(other: Any) -> None:
    assert not called_off([lambda block: other], Block(1, [], None, lambda number: (), []), [])


@pytest.mark.slow
def test_the_number_of_devices_may_change(tmp_path: Path) -> None:
    # Seven seeds are filled up to eight on two devices, and to nine on three. No schedule is a share of the run.
    options = ("--seeds", 7, "--evaluation.every", 1_000, "--checkpoint-every", 1_000)
    for name, steps in (("reference", 5_000), ("run", 3_000)):
        words = ("train", "cartpole/dqn-course", *options, "--steps", steps, "--out", tmp_path / name)
        with command(*words, JAX_NUM_CPU_DEVICES="2") as process:
            _, errors = process.communicate()
            assert (process.returncode, errors) == (0, "")
    with command("resume", tmp_path / "run", "--steps", 2_000, JAX_NUM_CPU_DEVICES="3") as process:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    run, reference = aq.Run(tmp_path / "run"), aq.Run(tmp_path / "reference")
    for ours, theirs in zip(run.parts, reference.parts, strict=True):
        for kind in ("episodes", "evaluations"):
            assert read(ours.path, kind) == read(theirs.path, kind)
