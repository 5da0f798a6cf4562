"""The textbook's figures: every script runs as a reader runs it, and what it asserts of its figure holds."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import EXAMPLES

FOLDER = EXAMPLES / "textbook"
SCRIPTS = sorted(FOLDER.glob("figure_*.py"))
QUICK = ("6_3", "6_4", "11_2")


def number(script: Path) -> str:
    return "_".join(script.stem.split("_")[1:3])


def marked(script: Path) -> object:
    return pytest.param(script, id=script.stem, marks=[] if number(script) in QUICK else pytest.mark.slow)


def test_no_figure_is_missing() -> None:
    assert {number(script) for script in SCRIPTS} == {"6_3", "6_4", "6_5", "6_7", "7_2", "10_1", "11_2", "12_8"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_is_short_says_what_to_see_and_checks_it(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) < 60
    assert "should see" in " ".join(str(ast.get_docstring(tree)).split())
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    assert script.name in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [marked(script) for script in SCRIPTS])
def test_a_figure_is_drawn_and_its_number_found(script: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    done = subprocess.run([sys.executable, str(script), str(out)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert str(out) in done.stdout.splitlines()
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_another_kind_is_refused_before_anything_runs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPTS[0]), "a.jpg"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "a.jpg: a picture's name must end in .png or .svg" in done.stderr
    assert not list(tmp_path.iterdir())
