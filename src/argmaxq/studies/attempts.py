"""Attempts at one group, numbered: one that was given up for lost, and is not, must not write over the next one."""

from collections.abc import Callable
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import fields
from argmaxq.runs.folder import write_json
from argmaxq.runs.formats import COUNT, checked

ATTEMPT = "attempt.json"
SHAPE = fields({"attempt": COUNT})


class Superseded(UserError):
    """Another attempt at this group has begun since: this one writes nothing more."""


def begun(folder: Path) -> Callable[[], None]:
    """Begin an attempt in a group's folder; what comes back raises Superseded once a later one has begun."""
    own = newest(folder) + 1
    write_json(folder / ATTEMPT, {"attempt": own})

    def check() -> None:
        if newest(folder) != own:
            raise Superseded(f"{folder}: attempt {own} ends, since attempt {newest(folder)} goes on with it")

    return check


def newest(folder: Path) -> int:
    """The number of the latest attempt; 0 before the first."""
    file = folder / ATTEMPT
    try:
        return int(checked(SHAPE, read_json(file), file)["attempt"])
    except FileNotFoundError:
        return 0
