"""Values that a run was given when it was resumed: which, and from which env step on."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from argmaxq.runs.files.shapes import each, fields, table, whole

CHANGES = "changes"
"""Where they stand in config.json, once there are some."""
shape = each(fields({"step": whole(), "values": table, "before": table}))
"""The shape of that."""


class Change(NamedTuple):
    """From env step ``step`` on these ``values`` hold, as JSON by path, instead of those of ``before``."""

    step: int
    values: dict[str, Any]
    before: dict[str, Any]


def changes(config: Mapping[str, Any]) -> list[Change]:
    """Those of a run, in time order."""
    return [Change(each["step"], each["values"], each["before"]) for each in config.get(CHANGES, [])]


def recorded(made: Sequence[Change]) -> list[dict[str, Any]]:
    """What stands in config.json of them."""
    return [change._asdict() for change in made]


def differing(before: Any, after: Any, path: str = "") -> Change:
    """The innermost values that differ in two recipes' JSON data, from step 0 on."""
    if before == after:
        return Change(0, {}, {})
    alike = isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys()
    if not alike or before.get("type") != after.get("type") or "type" not in before:
        return Change(0, {path: after}, {path: before})
    found = Change(0, {}, {})
    for name in before:
        inner = differing(before[name], after[name], f"{path}.{name}" if path else name)
        found = Change(0, found.values | inner.values, found.before | inner.before)
    return found


def since(made: Sequence[Change], step: int) -> list[Change]:
    """The same, of which none is later than ``step``, where the run really goes on."""
    return [change._replace(step=min(change.step, step)) for change in made]
