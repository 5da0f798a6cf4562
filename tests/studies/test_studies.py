"""Studies: their plan, each run equal to that of its seeds alone, and that kills lose nothing."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.runs import checkpoint
from argmaxq.runs.folder import read_summary
from argmaxq.runs.records import read
from argmaxq.studies import group
from argmaxq.studies.attempts import Superseded, begun
from argmaxq.studies.folder import opened
from argmaxq.studies.plan import Group, Member, chunks, grid, grouped
from argmaxq.studies.study import resume
from support.commands import Command, command, study_words
from support.runs import CARTPOLE, assert_same
from support.studied import Here, be_killed
from support.tiers import slow

VARY = {"agent.replay.capacity": (300, 600), "agent.optimiser.learning_rate": (1e-3, 1e-2)}
SEEDS = (3, 7)


def make(name: str, cell: Any) -> aq.Recipe:
    return aq.replace(CARTPOLE, dict(cell))


def planned(vary: Mapping[str, Any], seeds: Any = SEEDS, width: int = 16) -> list[Group]:
    settings = grid(["small"], vary, make)
    return list(grouped(settings, seeds, lambda recipe: "compiled", lambda recipe: width))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> aq.Study:
    """Four settings that differ in traced numbers, in one program."""
    return aq.study(CARTPOLE, VARY, seeds=SEEDS, out=tmp_path_factory.mktemp("study") / "of", executor=Here)


def test_what_is_traced_shares_a_program_and_what_shapes_it_does_not() -> None:
    (whole,) = planned(VARY)
    assert whole.swept == ("replay.capacity", "optimiser.learning_rate")
    assert whole.allocation == 600
    assert whole.members == tuple(Member(setting, seed) for setting in range(4) for seed in SEEDS)
    assert len(planned({"agent.bootstrap": ("max", "double")})) == 2
    assert len(planned({"agent.learning_starts": (100, 200)})) == 2  # it bounds a loop
    assert len(planned({"agent.optimiser.max_grad_norm": (None, 1.0)})) == 2
    assert len(planned({"env.lanes": (1, 2)})) == 2


def test_chunks_are_few_and_equal() -> None:
    members = [Member(0, seed) for seed in range(17)]
    assert [len(chunk) for chunk in chunks(members, 16)] == [8, 9]
    assert sum(chunks(members, 5), ()) == tuple(members)
    assert [len(each.members) for each in planned(VARY, range(10), 12)] == [10, 10, 10, 10]


@pytest.mark.parametrize("paths", [{"agent.gamma": ()}, {"agent.gamma": (0.9, "0.9")}], ids=["none", "twice"])
def test_values_that_make_no_grid_are_refused(paths: Mapping[str, Any]) -> None:
    with pytest.raises(aq.UserError, match=r"agent\.gamma"):
        grid(["small"], paths, make)


def test_each_run_is_that_of_its_seeds_alone(study: aq.Study, tmp_path: Path) -> None:
    setting = {path: float(value) for path, value in study.settings[2].items() if path != "recipe"}
    alone = aq.train(aq.replace(CARTPOLE, setting), seeds=SEEDS, out=tmp_path / "alone")
    for part in alone.parts:
        run = study.run(2, part.seeds[0])
        for name in ("episodes", "metrics", "evaluations"):
            assert (run.path / f"{name}.jsonl").read_bytes() == (part.path / f"{name}.jsonl").read_bytes()
        for which in ("best", "last"):
            ours, theirs = run.arrays(which), part.arrays(which)
            assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
        assert run.summary["seeds"] == part.summary["seeds"]
        assert run.recipe == part.recipe


def test_the_table_has_a_row_for_each_evaluation(study: aq.Study) -> None:
    table, frame = study.table(), study.table("pandas")
    assert list(table)[:5] == ["setting", "recipe", *VARY, "seed"]
    assert len(table["step"]) == 4 * 2 * 4  # settings, seeds, evaluations
    place = (table["setting"] == 1) & (table["seed"] == 7) & (table["step"] == 1000)
    (row,) = np.flatnonzero(place)
    assert table["agent.optimiser.learning_rate"][row] == 1e-2
    (line,) = [row for row in read(study.run(1, 7).path, "evaluations") if row["step"] == 1000]
    assert table["mean"][row] == line["mean"]
    assert list(frame.columns) == list(table)
    assert (study.path / "table.csv").read_text().count("\n") == 1 + len(frame)


def test_verbs_read_a_setting_as_a_run(study: aq.Study) -> None:
    whole = aq.Run(study.path / "settings" / "003")
    assert whole.seeds == SEEDS
    assert whole.summary["finished"]
    assert aq.load(study.path / "settings" / "003" / "seed-7")(np.zeros(4, np.float32)) in (0, 1)
    with pytest.raises(aq.UserError, match="part of the study"):
        aq.resume(whole.path)


def test_members_that_have_ended_leave_the_program(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(group, "PAYS", -1.0)
    recipe = aq.replace(CARTPOLE, {"stop": aq.TrainingReturn(22.0, 5), "evaluation.every": 0})
    made = aq.study(recipe, VARY, seeds=2, out=tmp_path / "study", executor=Here)
    steps = [made.run(setting, seed).summary["step"] for setting in range(4) for seed in made.seeds]
    assert min(steps) < 500 < max(steps)
    last = max((made.path / "groups" / "000" / "checkpoints").glob("step-*"))
    assert 0 < len(checkpoint.verify(last)["members"]) <= 4
    setting = aq.replace(recipe, {path: each[0] for path, each in VARY.items()})
    alone = aq.train(setting, seeds=2, out=tmp_path / "alone")
    for part in alone.parts:
        run = made.run(0, part.seeds[0])
        assert (run.path / "metrics.jsonl").read_bytes() == (part.path / "metrics.jsonl").read_bytes()
        assert read_summary(run.path)["seeds"] == part.summary["seeds"]


def test_an_attempt_that_was_given_up_for_lost_writes_no_more(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first()
    second = begun(tmp_path)
    second()
    with pytest.raises(Superseded, match="attempt 1 ends"):
        first()


def test_a_finished_study_has_nothing_left(study: aq.Study, argmaxq: Command) -> None:
    assert argmaxq("resume", str(study.path), "--quiet") == (0, f"{study.path}\n", "")


def test_recipes_are_announced_in_their_order_and_numbers_agree(tmp_path: Path, capsys: Any) -> None:
    two = aq.study(["cliff/q", "cliff/sarsa"], steps=100, out=tmp_path / "two", executor=Here, quiet=False)
    assert capsys.readouterr().out.startswith(
        "study of cliff/q, cliff/sarsa: 2 settings x 1 seed, 2 groups of 2 progra"
    )
    assert list(opened(two.path).data["recipes"]) == ["cliff/q", "cliff/sarsa"]
    aq.study("cliff/q", steps=100, out=tmp_path / "one", executor=Here, quiet=False)
    assert capsys.readouterr().out.startswith("study of cliff/q: 1 setting x 1 seed, 1 group of 1 program, in")


@pytest.mark.parametrize("verb", ["evaluate", "plot", "watch"])
def test_what_is_of_a_run_names_a_studys_settings(verb: str, study: aq.Study, argmaxq: Command) -> None:
    code, _, err = argmaxq(verb, str(study.path))
    setting = study.path / "settings" / "000"
    said = f"{study.path} is a study: name one of its settings, such as {setting}, or argmaxq report {study.path}"
    assert (code, err) == (2, f"argmaxq: {said}\n")


def test_a_command_is_planned_by_its_words(argmaxq: Command) -> None:
    assert argmaxq("study", "cartpole/dqn", "--vary", "agent.gamma")[2].startswith("argmaxq: --vary agent.gamma: it is")
    assert "did you mean agent.gamma" in argmaxq("study", "cartpole/dqn", "--vary", "agent.gama=1,2")[2]
    with pytest.raises(aq.UserError, match="no study's folder"):
        opened(".")


@pytest.mark.parametrize("kills", [3, slow(20)])
@pytest.mark.parametrize("engine", ["auto", slow("host")])
def test_kills_lose_nothing(kills: int, engine: str, tmp_path: Path) -> None:
    untroubled, killed = tmp_path / "untroubled", tmp_path / "killed"
    with command(*study_words(untroubled), "--engine", engine) as process:
        out, err = process.communicate()
        assert process.returncode == 0, out + err
    be_killed(killed, [*study_words(killed), "--engine", engine], kills, random.Random(kills))
    assert (killed / "table.csv").read_bytes() == (untroubled / "table.csv").read_bytes()
    for run in (each.parent for each in untroubled.glob("settings/*/seed-*/config.json")):
        assert_same(aq.Run(killed / run.relative_to(untroubled)), aq.Run(run))


def test_a_finished_study_is_left_as_it_is(study: aq.Study) -> None:
    before = (study.path / "table.csv").read_bytes()
    assert resume(study.path).finished
    assert (study.path / "table.csv").read_bytes() == before
