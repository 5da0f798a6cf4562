"""Command-line options of a component tree: every path is one, ``--agent.replay prioritised --agent.replay.alpha 0.5``.

They are read by ``paths.change`` and nothing else, so that the command line, Python and saved files share one language,
one set of checks and one-line errors. An argument parser would need a class per choice of components to know what
exists, and its own words for errors; here ``--help`` is a table of the paths instead.
"""

import dataclasses
import io
import math
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from argmaxq.components.annotations import Bounds, bounds_of, options, plain_type
from argmaxq.components.errors import UserError
from argmaxq.components.paths import Path, change, documentation, get, paths
from argmaxq.components.registry import candidates, is_component, type_name

T = TypeVar("T")
SWITCH = object()
"""The value of an option without one, which turns it on."""


def parse(component: T, tokens: Sequence[str]) -> T:
    """The component with the options in ``tokens``, given in any order as ``--path value`` or ``--path=value``.

    A component is named before its own options are set, wherever it stands; of an option given twice the later one
    counts. A tuple takes several values; an option without a value is a switch and means true.

    Raises:
        UserError: for an unknown option, component or value; one line, with the nearest names or the range.
    """
    return put(component, read(tokens))


def read(tokens: Sequence[str]) -> list[tuple[str, Any]]:
    """Options as (path, text), in the order given; ``SWITCH`` stands for the value of one without any.

    Raises:
        UserError: a token that belongs to no option.
    """
    given: list[tuple[str, list[str]]] = []
    for token in tokens:
        if token.startswith("--"):
            path, equals, value = token[2:].partition("=")
            given.append((path.replace("-", "_"), [value] if equals else []))
        elif given:
            given[-1][1].append(token)
        else:
            raise UserError(f"{token!r} belongs to no option: options are written --path value")
    return [(path, " ".join(values) if values else SWITCH) for path, values in given]


def put(component: T, given: Sequence[tuple[str, Any]]) -> T:
    """The component with these values by path, as text or otherwise; switches are set last.

    Raises:
        UserError: as ``parse``.
    """
    component = change(component, [(path, value) for path, value in given if value is not SWITCH])
    return change(component, [(path, _switch(component, path)) for path, value in given if value is SWITCH])


def help_text(component: Any, width: int = 100) -> str:
    """Every option, grouped by component: its meaning, type, range and default, and the components to choose from."""
    from rich.console import Console  # here, so that starting up stays quick
    from rich.table import Table

    everything = paths(component)
    groups = {"": [place for place in everything if "." not in place.path and not is_component(place.value)]}
    for owner in everything:
        if is_component(owner.value):
            below = [place for place in everything if place.path.rpartition(".")[0] == owner.path]
            groups[owner.path] = [owner, *(place for place in below if not is_component(place.value))]

    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    for title, places in groups.items():
        table = Table.grid(padding=(0, 2), pad_edge=True)
        table.add_column(no_wrap=True)
        table.add_column()
        for place in places:
            table.add_row(f"--{place.path.replace('_', '-')}", _explain(place))
        console.print(f"{title}: {type_name(type(get(component, title)))}" if title else "options")
        console.print(table, "")
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def describe(hint: Any) -> str:
    """What may stand in a field so annotated, in words."""
    plain = plain_type(hint)
    origin, arguments = typing.get_origin(plain) or plain, typing.get_args(plain)
    words = {float: "number", int: "whole number", bool: "true or false", str: "text", dict: "JSON object"}
    if candidates(hint):
        text = "one of " + ", ".join(sorted(candidates(hint)))
    elif origin is typing.Literal:
        text = "one of " + ", ".join(map(str, arguments))
    elif origin is tuple:
        text = f"several values, each: {describe(arguments[0])}"
    else:
        text = words.get(origin, "an object given in Python")
    return text + _range(bounds_of(hint)) + (", or none" if type(None) in options(hint) else "")


def _range(bounds: Bounds | None) -> str:
    if bounds is None or bounds == Bounds():
        return ""
    return f", {dataclasses.replace(bounds, high=math.inf) if bounds.high >= 2**31 - 1 else bounds}"


def _explain(place: Path) -> str:
    known = candidates(place.hint)
    lines = [f"{name}: {documentation(cls).summary}" for name, cls in sorted(known.items())] if len(known) > 1 else []
    kind = "One of:" if lines else f"({describe(place.hint)}; default {_shown(place.value)})"
    shorthand = getattr(type(place.value), "shorthand", None)
    also = f"Another value sets {shorthand}." if shorthand else ""
    return "\n".join([" ".join(filter(None, [place.help, also, kind])), *lines]).replace("``", "")


def _shown(value: Any) -> str:
    if is_component(value):
        return type_name(type(value))
    if isinstance(value, tuple):
        return " ".join(map(_shown, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _switch(component: Any, path: str) -> bool:
    """What an option without a value means: true, for a field that is true or false."""
    get(component, path)
    hint = next(place.hint for place in paths(component) if place.path == path)
    if plain_type(hint) is not bool:
        raise UserError(f"--{path} needs a value: {describe(hint)}")
    return True
