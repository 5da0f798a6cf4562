"""The last policy is judged, too: at a run's end, at a stop, at a callback's wish; and what is said of that."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.learning.schedules import Constant
from argmaxq.reporting.text import outcome
from argmaxq.runs.records import read
from support.runs import CARTPOLE, assert_same, killed_at

UNEVEN = aq.replace(CARTPOLE, {"steps": 700, "checkpoint_every": 0})
"""Ends between two evaluations, which are due every 500 steps."""


def steps(run: aq.Run) -> list[int]:
    return [row["step"] for row in read(run.path, "evaluations")]


@pytest.mark.parametrize("options", [{}, {"engine": "host"}, {"seeds": 2}])
def test_at_a_runs_end_and_it_takes_part_in_best(options: dict[str, Any], tmp_path: Path) -> None:
    # The first one, of a policy that has learnt nothing yet, is beaten now and then.
    run = aq.train(UNEVEN, out=tmp_path / "run", **options)
    for part in run.parts:
        rows = read(part.path, "evaluations")
        assert [row["step"] for row in rows] == [500, 700]
        (seed,) = part.summary["seeds"]
        best = max(rows, key=lambda row: (row["mean"], row["step"]))
        assert seed["best"] == {"step": best["step"], "mean": best["mean"], "of_selecting_evaluations": 2}
        assert seed["final_evaluation"] == rows[-1]["mean"]
        assert part.step("best") == best["step"]


def test_a_better_last_policy_is_the_best(tmp_path: Path) -> None:
    late = aq.replace(CARTPOLE, {"steps": 2_700, "evaluation.every": 2_600, "evaluation.episodes": 1})
    # Of eight seeds with one episode each, some do better 100 steps later.
    run = aq.train(late, out=tmp_path / "run", seeds=8)
    better = 0
    for part in run.parts:
        first, last = (row["mean"] for row in read(part.path, "evaluations"))
        arrays = [(part.checkpoint(which) / "arrays.safetensors").read_bytes() for which in ("best", "last")]
        assert (part.step("best") == 2_700) == (arrays[0] == arrays[1]) == (last >= first)
        better += last > first
    assert better > 0


def test_not_twice_where_one_is_due_anyway(tmp_path: Path) -> None:
    assert steps(aq.train(CARTPOLE, steps=1_000, out=tmp_path / "run")) == [500, 1_000]


def test_never_where_none_is_wished_for(tmp_path: Path) -> None:
    silent = aq.replace(UNEVEN, {"evaluation.every": 0, "stop": aq.TrainingReturn(1.0, 20)})
    run = aq.train(silent, out=tmp_path / "run", callbacks=[lambda block: block.step > 600])
    assert not steps(run)
    (seed,) = run.summary["seeds"]
    assert (seed["best"], seed["final_evaluation"], seed["confirmed"]) == (None, None, None)


@pytest.mark.parametrize("engine", ["compiled", "host"])
@pytest.mark.parametrize(("threshold", "words"), [(15.0, "not confirmed by evaluation: "), (1.0, "confirmed by eval")])
def test_a_stop_by_training_returns_is_confirmed_or_not(
    engine: Any, threshold: float, words: str, tmp_path: Path
) -> None:
    # Random play reaches 15 and more; a greedy policy that has learnt nothing keeps to one action, and gets about 9.
    ignorant = {"agent.optimiser.learning_rate": 1e-9, "agent.exploration.epsilon": Constant(1.0)}
    recipe = aq.replace(UNEVEN, {**ignorant, "stop": aq.TrainingReturn(threshold, 10), "checkpoint_every": 100})
    run = aq.train(recipe, engine=engine, out=tmp_path / "run")
    (seed,) = run.summary["seeds"]
    assert seed["stopped"] == "solved"
    assert seed["solved_at"] == seed["step"] == steps(run)[-1] < 500
    (row,) = read(run.path, "evaluations")
    assert seed["final_evaluation"] == row["mean"]
    assert seed["confirmed"] is (row["mean"] >= threshold)
    (line,) = (line for line in outcome(run.config, run.summary, run.path).splitlines() if line.startswith("  solved"))
    assert words in line
    assert ("in training" in line) is (threshold == 15.0)


def test_a_seed_that_stops_alone_is_evaluated_and_disturbs_no_other(tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"steps": 1_200, "checkpoint_every": 100, "evaluation.every": 500})
    free = aq.train(recipe, seeds=5, out=tmp_path / "free")
    tops = {part.path.name: read(part.path, "metrics") for part in free.parts}
    means = {name: [row.get("mean_return", 0.0) for row in rows[4:8]] for name, rows in tops.items()}
    threshold = float(np.median([max(each) for each in means.values()]))  # so that some stop there, and some do not
    run = aq.train(aq.replace(recipe, "stop", aq.TrainingReturn(threshold, 10)), seeds=5, out=tmp_path / "run")
    stopped = 0
    for part, other in zip(run.parts, free.parts, strict=True):
        (seed,) = part.summary["seeds"]
        ours, theirs = (read(each.path, "evaluations") for each in (part, other))
        end = seed["step"]
        due = [row for row in theirs if row["step"] <= end]
        assert [row for row in ours if row["step"] in [each["step"] for each in due]] == due
        assert len(ours) == len(due) + (end not in [row["step"] for row in due])
        assert ours[-1]["step"] == end
        for kind in ("metrics", "episodes"):  # of evaluations, the diagnostics of one at the stop are its own
            own, its = (
                [{name: value for name, value in row.items() if name[:2] != "q_"} for row in read(each.path, kind)]
                for each in (part, other)
            )
            assert own == [row for row in its if row["step"] <= end]
        stopped += seed["stopped"] == "solved" and end < 1_200
    assert 0 < stopped < 5


@pytest.mark.parametrize("options", [{}, {"engine": "host"}, {"seeds": 2}])
def test_at_a_callbacks_wish(options: dict[str, Any], tmp_path: Path) -> None:
    told: list[Any] = []

    def callback(block: Any) -> bool:
        told.append(block.evaluations)
        return block.step >= 250

    recipe = aq.replace(CARTPOLE, "steps", 900)
    run = aq.train(recipe, out=tmp_path / "run", callbacks=[callback], **options)
    assert all(each is None for each in told)
    for part in run.parts:
        assert steps(part) == [part.summary["step"]] == [252]
        assert part.summary["seeds"][0]["best"]["step"] == 252


def test_a_kill_at_a_wish_changes_nothing(tmp_path: Path) -> None:
    reference = aq.train(CARTPOLE, out=tmp_path / "reference", callbacks=[lambda block: block.step >= 752])
    with killed_at(tmp_path / "run", 752) as callbacks:
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=callbacks)
    run = aq.resume(tmp_path / "run", callbacks=[lambda block: block.step >= 752])
    assert_same(run, reference)


def test_what_is_said_of_best(tmp_path: Path) -> None:
    run = aq.train(UNEVEN, out=tmp_path / "run")
    text = outcome(run.config, run.summary, run.path)
    assert "\n                     best of 2 selecting evaluations, evaluate scores it afresh\n" in text
    assert "argmaxq evaluate" in text
    json.loads((run.path / "summary.json").read_text(), parse_constant=pytest.fail)
