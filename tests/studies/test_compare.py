"""``argmaxq compare``: the scores it takes, its table and its verdict."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from argmaxq import Run, UserError
from argmaxq.cli.main import main
from argmaxq.reporting.verdicts import compared, interval
from argmaxq.statistics import Estimate
from support.scored import SPREAD, scored, scored_study


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return [str(scored(Path(name), shift)) for name, shift in (("a", 0.0), ("b", 8.0))]


def test_a_verdict_in_plain_words(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *pair, "--difference", "5", "--threshold", "200"]) == 0
    said = capsys.readouterr().out
    assert "last greedy evaluation" in said
    wins = np.mean(8 + 10 * SPREAD[:, None] > 10 * SPREAD[None])
    assert f"a run of b beats a run of a with probability {wins:.2f}".replace("0.", ".") in said
    assert "10 seeds each" in said
    assert "difference 8.0 [" in said
    # deviation 3.0277 * 20/9 = 6.728, d = .743: 2 (1.96 + .8416)^2 / d^2 + 1.96^2 / 4 = 29.4
    assert "30 seeds each would be needed to be sure of 5" in said
    assert "half of the runs of a reach 200 by step 200 [200, 200]" in said


def test_what_is_reached_is_said_of_one_seed_and_of_several(
    pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one = str(Path(pair[0]) / "seed-0")
    for threshold, said in (
        (
            "200",
            ["half of the runs of b reach 200 by step 200 [200, 200]", f"the run of {one} reaches 200 by step 200"],
        ),
        ("400", ["fewer than half of the runs of b reach 400 in these steps", f"{one} does not reach 400 in these"]),
    ):
        assert main(["compare", pair[1], one, "--threshold", threshold]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert all(any(line.startswith(each) for line in lines) for each in said)


def test_a_table_for_a_text_says_what_it_holds(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = "CartPole-v1, mean return of each seed's last greedy evaluation; in brackets: 95 % intervals over seeds ("
    for shape, before in (("markdown", ""), ("latex", "% ")):
        assert main(["compare", *pair, "--format", shape]) == 0
        assert capsys.readouterr().out.startswith(before + said)


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of four settings: finished, come to step 200 of 400, begun without an evaluation, and not begun."""
    monkeypatch.chdir(tmp_path)
    study = scored_study(Path("study"), {"agent.gamma": ("0.1", "0.2", "0.3", "0.4")}, lambda value, seed: 100, 3)
    for number, rows in ((1, 2), (2, 0), (3, 0)):
        for seed in study.glob(f"settings/{number:03d}/seed-*"):
            (seed / "summary.json").unlink()
            lines = (seed / "evaluations.jsonl").read_text().splitlines(keepends=True)
            (seed / "evaluations.jsonl").write_text("".join(lines[:rows]))
            if number == 3:
                (seed / "episodes.jsonl").unlink()
    return study


def test_what_is_not_finished_is_compared_at_the_step_that_all_have_come_to(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "study"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("last greedy evaluation, up to step 200, which all have come to")
    assert [line.split()[:3] for line in said[2:4]] == [["gamma", "0.1", "3"], ["gamma", "0.2", "3"]]
    assert all("50.0" in line for line in said[2:4])  # half of 100, as at step 200
    assert "left out, since there is nothing to compare yet: gamma 0.3; gamma 0.4" in said
    (interrupted / "settings" / "001" / "seed-2" / "evaluations.jsonl").unlink()
    assert main(["compare", "study", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["until"] == 200
    assert found["missing"][1:] == ["gamma 0.2 has 2 of 3 seeds so far"]


def test_seeds_that_ended_early_count_with_their_last_score(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = interrupted / "settings" / "000"
    for seed in interrupted.glob("settings/001/seed-*"):
        (seed / "summary.json").write_bytes((first / "seed-0" / "summary.json").read_bytes())
    assert main(["compare", str(first / "seed-0"), str(interrupted / "settings" / "001" / "seed-0")]) == 0
    assert "up to step" not in capsys.readouterr().out


def test_few_seeds_have_no_interquartile_mean_of_their_own() -> None:
    few, more = (compared({"a": SPREAD[:count], "b": SPREAD[:count] + 5}) for count in (3, 4))
    assert {len(row) for row in few.rows()} == {5}
    assert few.rows()[0] == ("", "seeds", "mean", "median", "worst to best seed")
    assert few.notes[0].startswith("in brackets: 95 % intervals over seeds (mean: ")
    assert more.rows()[0][2] == "interquartile mean"


def test_no_seeds_are_planned_from_those_that_do_not_scatter() -> None:
    (found,) = compared({"a": SPREAD[:2] * 0, "b": SPREAD[:2] * 0 + 2}).verdicts
    assert found.needed == 0
    assert "would be needed" not in found.words


def test_a_comma_in_an_interval_stands_between_its_ends_alone() -> None:
    assert interval(Estimate(-2000.25, -2259.5, 2856.8, "t", 0.95)) == "-2000.2 [-2259.5, 2856.8]"
    assert interval(Estimate(-2000.25, -math.inf, 2856.8, "t", 0.95)) == "-2000.2 [∞, 2856.8]"


def test_scores_and_formats(pair: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *pair, "--score", "best", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == "best"
    assert found["settings"][0]["scores"] == [300.0] * 10
    assert found["verdicts"][0]["probability"]["point"] == 0.5
    assert main(["compare", *pair, "--format", "latex"]) == 0
    assert "\\toprule" in capsys.readouterr().out
    assert main(["compare", pair[0], pair[0]]) == 2
    assert main(["compare", *pair, "--score", "finl"]) == 2
    assert "did you mean" in capsys.readouterr().err
    other = str(scored(Path("c"), 0.0, "Acrobot-v1"))
    assert main(["compare", pair[0], other]) == 2
    assert "their returns cannot be compared" in capsys.readouterr().err


def test_labels_stay_text_in_markdown_and_latex() -> None:
    found = compared({"a|b_c & 50 %": SPREAD, "x": SPREAD - 1})
    assert "| a\\|b_c & 50 % |" in found.markdown()
    assert "a|b\\_c \\& 50 \\% & 10 &" in found.latex()
    assert [len(row.split(" & ")) for row in found.latex().splitlines()[2:3]] == [6]


def test_verdicts_of_several_are_sure_together() -> None:
    two, three = (compared({str(each): SPREAD + each for each in range(count)}) for count in (2, 3))
    assert two.level == 0.95
    assert three.level == pytest.approx(1 - 0.05 / 3)
    assert [each.other for each in three.verdicts] == ["0", "1"]
    same = {each.other: each for each in three.verdicts}["1"]
    assert same.difference.low < two.verdicts[0].difference.low
    alone = compared({"one": SPREAD})
    assert alone.verdicts == ()
    assert compared({"one": SPREAD[:1]}).notes == ["with so few seeds little can be said: train with --seeds 10"]
    with pytest.raises(UserError, match="no scores"):
        compared({})


def test_records_as_columns(pair: list[str]) -> None:
    found = Run(pair[0]).evaluations()
    assert found["seed"].tolist() == np.repeat(np.arange(10), 3).tolist()
    assert found["mean"][:3].tolist() == [50.0, 300.0, 90.0]
    assert Run(pair[0]).episodes()["return"].tolist() == [7.0, 9.0] * 10
    assert Run(pair[0]).metrics() == {}
