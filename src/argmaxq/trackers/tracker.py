"""What a tracker has to do, and what it is told of a run."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
"""How a run may stand when its tracker is closed: at its end, before it, or diverged."""
BEST, LATEST = "best", "latest"
"""Aliases of artifacts."""


@dataclasses.dataclass(frozen=True)
class Tracked:
    """One seed of a run, as a tracker is told of it.

    Attributes:
        key: The same whenever this seed is tracked again: letters, digits and hyphens.
        name: How it is shown; unlike that of any other run, and its artifacts' name, too.
        group: What all seeds of a run share.
        project: Where it belongs, unless the tracker's own settings say something else.
        config: The recipe's values by path, as on the command line, beside ``name``, ``env``, ``engine``, ``seed`` and
            ``argmaxq``, the version.
        folder: For files of the tracker's own; it exists, and is the same when this seed is tracked again.
        shared: The folder in which those of all seeds of this run lie; the same for a lone seed.
        resumed: Whether it was tracked before.
        offline: Whether nothing is to be sent from this machine.
    """

    key: str
    name: str
    group: str
    project: str
    config: Mapping[str, Any]
    folder: Path
    shared: Path
    resumed: bool = False
    offline: bool = False


class Tracker(Protocol):
    """Keeps one seed of a run. It is made without arguments, and ``open`` comes first; any method may raise anything.

    A class may say by ``film`` which films it shows, ``.mp4`` or ``.gif``; without it they are ``.mp4``.
    """

    def open(self, run: Tracked) -> str | None:
        """Begin, or go on with what has the same ``run.key``; returns where it can be looked at, in a line."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of an env step, by names such as ``train/loss``. Steps may be repeated, with other names."""

    def media(self, path: Path, key: str, step: int) -> None:
        """A film or a page; the file is gone once this returns."""

    def artifact(self, path: Path, name: str, aliases: Sequence[str]) -> None:
        """A folder, a new version of ``name``, which ``aliases`` stand for from now on; gone once this returns."""

    def close(self, status: str) -> None:
        """End: ``finished``, ``stopped`` before the run's end, or ``failed``. All of it is kept when this returns."""

    def fetch(self, name: str) -> Path:
        """The folder of an artifact, ``NAME:ALIAS``, asked for without ``open``."""
