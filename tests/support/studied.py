"""Studies in tests: trained in this process, or by commands that are killed."""

import random
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from argmaxq.studies import group
from argmaxq.studies.folder import Layout
from argmaxq.studies.plan import Group
from support.commands import command


class Here:
    """Trains groups in this process."""

    def __init__(self, layout: Layout, groups: Mapping[int, Group], variables: Mapping[str, str]) -> None:
        self._layout, self._engines, self._ended = layout, group.Engines(), list[tuple[int, str]]()

    def submit(self, number: int) -> None:
        group.train(self._layout, number, self._engines)
        self._ended.append((number, ""))

    def wait(self, seconds: float) -> list[tuple[int, str]]:
        found, self._ended = self._ended, []
        return found

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def be_killed(folder: Path, words: list[str], kills: int, randomly: random.Random, where: Sequence[str] = ()) -> None:
    """Train a study that is killed so often and goes on each time, with the words ``where``."""
    for number in range(kills + 1):
        there = (folder / "study.json").is_file()
        if not there:
            shutil.rmtree(folder, ignore_errors=True)
        with command(*(["resume", str(folder)] if there else words), *where) as process:
            if number < kills:
                _await(folder, process, randomly)
                process.kill()
            out, err = process.communicate()
            assert number < kills or process.returncode == 0, out + err


def _await(folder: Path, process: subprocess.Popen[str], randomly: random.Random) -> None:
    """Wait for some checkpoint or other, and a moment more."""
    before, wanted = _checkpoints(folder), randomly.randrange(3)
    while process.poll() is None and len(_checkpoints(folder) - before) < wanted:
        time.sleep(0.01)
    time.sleep(randomly.uniform(0, 0.5))


def _checkpoints(folder: Path) -> set[Path]:
    return set(folder.glob("groups/*/checkpoints/step-*"))
