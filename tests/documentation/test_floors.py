"""Imports only go down, no two files of a room import each other, and the check that says so can fail."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support.places import DOCS, ROOT

SOURCE = ROOT / "src"
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import argmaxq.verbs.run"


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    """What the contracts in pyproject.toml say of a copy of the package."""
    line = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = os.environ | {"PYTHONPATH": str(source)}
    return subprocess.run(line, cwd=source, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("learning/schedules.py", "", ""),
        (
            "learning/schedules.py",
            "import argmaxq.replay.ring",
            "argmaxq.learning is not allowed to import argmaxq.replay",
        ),
        ("environments/make.py", "from argmaxq.training.loop import Loop", "argmaxq.environments is not allowed to"),
        ("domains/platform_world.py", "from argmaxq.domains.platform import Platform", "No two files of a room"),
        (
            "roles/agent.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import argmaxq.verbs.run",
            "argmaxq.roles",
        ),
    ],
    ids=["as-it-is", "learning-of-replay", "environments-of-training", "a-circle", "for-types-alone"],
)
def test_contracts(file: str, line: str, complaint: str, tmp_path: Path) -> None:
    shutil.copytree(SOURCE / "argmaxq", tmp_path / "argmaxq", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "argmaxq" / file).open("a") as planted:
        planted.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert (done.returncode != 0) == bool(complaint), done.stdout
    assert complaint in done.stdout


def test_every_floor_is_in_the_architecture() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        (floors, *_) = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    picture = (DOCS / "architecture.md").read_text().split("```")[1]
    rooms = [room.strip() for layer in floors["layers"] for room in layer.split("|") if room != "__main__"]
    assert [room for room in rooms if room not in picture] == []
