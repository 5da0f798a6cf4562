"""``argmaxq compare``: the scores it takes, its table and its verdict."""

import json
from pathlib import Path

import numpy as np
import pytest

from argmaxq import Run, UserError
from argmaxq.cli.main import main
from argmaxq.reporting.verdicts import compared
from support.scored import SPREAD, scored


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
