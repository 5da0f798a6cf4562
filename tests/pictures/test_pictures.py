"""The verb that draws losses, choices and curves of agents that were really trained."""

from pathlib import Path

import pytest
from matplotlib.image import imread

import argmaxq as aq
from argmaxq.cli.main import main
from argmaxq.verbs.typical import typical
from argmaxq.visualisation.plot import plot
from support.drawings import texts


@pytest.mark.parametrize("what", ["curve", "loss", "choices"])
@pytest.mark.parametrize("name", ["platform", "cartpoles"])
def test_each_picture_is_drawn_as_png_and_svg(
    name: str, what: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = request.getfixturevalue(name).parts[0]
    assert main(["plot", str(run.path), "--what", what]) == 0
    drawn = run.path / f"{what}.png"
    assert capsys.readouterr().out == f"{drawn}\n"
    assert imread(drawn).std() > 0.05
    if what != "choices":  # takes long, and is drawn as SVG above
        out = tmp_path / "new" / f"{what}.SVG"
        assert plot(run, what, out) == out
        assert len(texts(out)) > 5


def test_the_entry_and_the_checkpoint_can_be_chosen(platform: aq.Run, tmp_path: Path) -> None:
    argv = ["plot", str(platform.path), "--what", "choices", "--entries", "1", "--checkpoint", "last"]
    assert main([*argv, "--out", str(tmp_path / "choices.svg")]) == 0
    assert "speed of the player [px/s]" in texts(tmp_path / "choices.svg")


MISTAKES = {
    "--what wave": "--what wave: there is no such picture: known: choices, curve, health, loss",
    "--what los": "did you mean loss?",
    "--out picture.jpg": "picture.jpg: a picture's name must end in .png or .svg",
    "--what loss --out picture": "picture: a picture's name must end in .png or .svg",
    "--what choices --entries 9": "entry 9: the observation has entries 0 to 8",
    "--what choices --entries -1": "entry -1: the observation has entries 0 to 8",
    "--what choices --entries 0,1": "entries 0, 1: choices are drawn along one entry",
    "--what choices --entries x": "--entries x: whole numbers with a comma between",
    "--what choices --checkpoint 77": "no checkpoint 77: there are best, last",
}


@pytest.mark.parametrize("given", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_file(
    given: str, platform: aq.Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in given else ["--out", "picture.png"]
    assert main(["plot", str(platform.path), *given.split(), *out]) == 2
    error = capsys.readouterr().err
    assert MISTAKES[given] in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["choices", "phase"])
def test_of_several_seeds_the_median_is_drawn_and_named(cartpoles: aq.Run, what: str, tmp_path: Path) -> None:
    run, words = typical(cartpoles)
    assert words.startswith(f"seed {run.seeds[0]}, the lower middle one of 2 by best evaluation: ")
    assert any(words in text for text in texts(plot(cartpoles, what, tmp_path / "a.svg")))
    alone = plot(run, what, tmp_path / "b.svg")
    assert not any("the median" in text for text in texts(alone))
