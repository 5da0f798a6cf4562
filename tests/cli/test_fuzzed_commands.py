"""Whatever is typed, the answer is a result or one clear line: no traceback, no hang, nothing written elsewhere."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from argmaxq.cli.main import main
from support.commands import SMALL
from support.fuzzed_commands import command_line
from support.tiers import slow

CODES = {0, 1, 2, 3}
# A user's Python warnings are not errors, and some of these lines deserve one.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(3_000)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with two runs, beside one that nobody may touch."""
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "file").write_text("untouched")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("ARGMAXQ_TRACEBACK", "1")  # so that what nobody foresaw is not made a line of
    for name in ("one", "two"):
        assert main(["train", *SMALL, "--out", name, "--quiet", *(["--seeds", "2"] if name == "two" else [])]) == 0
    return tmp_path


def _check(words: list[str], code: int, error: str) -> None:
    assert code in CODES, (words, code)
    assert "Traceback" not in error, (words, error)
    complaints = [line for line in error.splitlines() if line.startswith("argmaxq: ")]
    assert len(complaints) <= 1, (words, error)
    if code == 2:
        assert complaints, (words, error)


def _untouched(place: Path) -> None:
    assert {path.name for path in place.iterdir()} == {"foreign", "work"}
    assert (place / "foreign" / "file").read_text() == "untouched"
    assert [path.name for path in (place / "foreign").iterdir()] == ["file"]


@pytest.mark.parametrize("count", [60, slow(10_000)])
def test_in_one_process(count: int, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(count)
    for _ in range(count):
        words = command_line(chance, ("one", "two"))
        try:
            code = main(words)
        except BaseException as fault:
            raise AssertionError(words) from fault
        _check(words, code, capsys.readouterr().err)
    _untouched(place)


@pytest.mark.parametrize("count", [2, slow(200)])
def test_in_processes_of_their_own(count: int, place: Path) -> None:
    chance = random.Random(count)
    for _ in range(count):
        words = [word.replace("\x00", "").replace("\ud800", "") for word in command_line(chance, ("one", "two"))]
        line = [sys.executable, "-m", "argmaxq", *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, env=os.environ)
        _check(words, done.returncode, done.stderr)
    _untouched(place)
