"""Thousands of spoilt run folders: each is refused in a line or works, and nothing outside of it is touched or run."""

import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import argmaxq as aq
from support.fuzz import change_config_of, change_other_of, exercise, plant_link
from support.hostile import SMALLEST, copied, snapshot

CHANGES = {"config": change_config_of, "other": change_other_of}
Change = Callable[[Path, random.Random], None]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Good runs: of one seed in a compiled program, of two on the host."""
    folder = tmp_path_factory.mktemp("originals")
    runs = [
        aq.train(SMALLEST, out=folder / "compiled"),
        aq.train(SMALLEST, engine="host", seeds=2, out=folder / "host"),
    ]
    return [run.path for run in runs]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, beside one that nothing may touch, with a module on the path that nothing may import."""
    victim, modules = tmp_path / "victim", tmp_path / "modules"
    for folder in (victim / "folder", modules, tmp_path / "work"):
        folder.mkdir(parents=True)
    for file in (victim / "file", victim / "folder" / "file"):
        file.write_text("precious\n" * 100)
    (modules / "fuzz_planted.py").write_text(f"open({str(victim / 'trace')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.chdir(victim)
    before = snapshot(victim)
    yield tmp_path / "work"
    assert snapshot(victim) == before
    assert "fuzz_planted" not in sys.modules


def spoilt(place: Path, originals: list[Path], change: Change, number: int) -> tuple[Path, random.Random]:
    """The run folder of a number."""
    chance = random.Random(number)
    run = copied(originals[number % 2], place / f"run-{number}")
    change(run, chance)
    if chance.random() < 0.15:
        plant_link(run, place.parent / "victim", chance)
    return run, chance


def try_all(place: Path, originals: list[Path], change: Change, numbers: range) -> None:
    """Exercise the run folders of these numbers."""
    refused = 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*env", category=UserWarning)
        for number in numbers:
            run, chance = spoilt(place, originals, change, number)
            try:
                refused += exercise(run, chance) > 0
            except Exception as problem:
                raise AssertionError(f"case {number}") from problem
            shutil.rmtree(run)
    assert refused > len(numbers) / 4  # the changes do something


@pytest.mark.parametrize("kind", CHANGES)
def test_spoilt_run_folders(kind: str, place: Path, originals: list[Path]) -> None:
    try_all(place, originals, CHANGES[kind], range(50))


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("kind", CHANGES)
def test_two_thousand_spoilt_run_folders(kind: str, place: Path, originals: list[Path]) -> None:
    try_all(place, originals, CHANGES[kind], range(1_000, 3_000))


VERBS = [["evaluate", "--episodes", "1"], ["resume"], ["plot"], ["plot", "--what", "loss"], ["evaluate", "--json"]]


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("kind", CHANGES)
def test_two_hundred_in_processes_of_their_own(kind: str, place: Path, originals: list[Path]) -> None:
    for number in range(5_000, 5_200):
        run, chance = spoilt(place, originals, CHANGES[kind], number)
        verb, *options = chance.choice(VERBS)
        line = [sys.executable, "-m", "argmaxq", verb, str(run), *options]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode in (0, 2, 3), (number, done)
        assert "Traceback" not in done.stderr, (number, done.stderr)
        assert (done.returncode == 0) == (done.stderr.count("\n") == 0), (number, done.stderr)
        shutil.rmtree(run)
