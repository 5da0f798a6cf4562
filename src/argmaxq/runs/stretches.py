"""How long a run was to be, from when on: what schedules count their shares of."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

STRETCHES = "stretches"
"""Where they stand in config.json, once there are several."""


class Stretch(NamedTuple):
    """From env step ``begin`` on the run is to have ``total`` env steps."""

    begin: int
    total: int


def stretches(config: Mapping[str, Any]) -> list[Stretch]:
    """Those of a run, in time order."""
    return [Stretch(*each) for each in config.get(STRETCHES, [[0, config["recipe"]["steps"]]])]


def extended(before: Sequence[Stretch], begin: int, total: int) -> list[Stretch]:
    """With another number of steps from ``begin`` on; as it was, if that is the number already."""
    if before[-1].total == total:
        return list(before)
    return [*(each for each in before if each.begin < begin), Stretch(begin, total)]


def total_at(parts: Sequence[Stretch], step: int) -> int:
    """Env steps that the run is to have, as seen from ``step``."""
    return next((each.total for each in reversed(parts) if each.begin <= step), parts[0].total)
