"""Shapes of JSON data: what a value must be, said once and checked where a file is read.

A shape is a function of a value and of where it stands; it raises ``UserError`` for what does not fit.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from argmaxq.components.errors import UserError

Shape = Callable[[Any, str], None]
LARGE = 2**53
"""Whole numbers up to which a float tells them apart."""
HUGE = 1e100
"""Beyond it no return or loss can be drawn."""
SHOWN = 40


def whole(low: int = 0, high: int = LARGE) -> Shape:
    """A whole number from ``low`` to ``high``."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not low <= value <= high:
            refuse(value, where, f"a whole number from {low} to {high}")

    return check


def number(value: Any, where: str) -> None:
    """A finite number."""
    if not is_number(value):
        refuse(value, where, "a number")


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be reckoned with and drawn."""
    return type(value) in (int, float) and abs(value) <= HUGE


def truth(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        refuse(value, where, "true or false")


def text(value: Any, where: str) -> None:
    """One line of text that can be printed."""
    if not isinstance(value, str) or not value.isprintable():
        refuse(value, where, "a line of text")


def matching(pattern: str, meaning: str) -> Shape:
    """Text of which all is as a regular expression says."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            refuse(value, where, meaning)

    return check


def anything(value: Any, where: str) -> None:
    """Whatever JSON holds."""


def table(value: Any, where: str) -> None:
    """An object of any fields."""
    if not isinstance(value, dict):
        refuse(value, where, "an object")


def optional(shape: Shape) -> Shape:
    """Null, or what another shape asks for."""
    return lambda value, where: None if value is None else shape(value, where)


def each(shape: Shape, least: int = 0, most: int | None = None) -> Shape:
    """A list of ``least`` to ``most`` values of one shape."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            limits = f" of {least} to {most}" if most is not None else f" of at least {least}" if least else ""
            refuse(value, where, f"a list{limits}")
        for number, item in enumerate(value):
            shape(item, f"{where}[{number}]")

    return check


def fields(needed: Mapping[str, Shape], possible: Mapping[str, Shape] | None = None) -> Shape:
    """An object with the ``needed`` fields; those that are ``possible`` are checked if there, and others may be."""
    shapes = {**needed, **(possible or {})}

    def check(value: Any, where: str) -> None:
        table(value, where)
        for name in needed:
            if name not in value:
                raise UserError(f"{where} has no {name}")
        for name, shape in shapes.items():
            if name in value:
                shape(value[name], f"{where}.{name}")

    return check


def entries(shape: Shape) -> Shape:
    """An object of any fields, all of one shape."""

    def check(value: Any, where: str) -> None:
        table(value, where)
        for name, item in value.items():
            shape(item, f"{where}[{name!r}]")

    return check


def refuse(value: Any, where: str, needed: str) -> NoReturn:
    """Say that a value does not fit."""
    try:
        shown = repr(value)
    except ValueError:  # a number with too many digits to print
        shown = "a number"
    raise UserError(f"{where} = {shown if len(shown) <= SHOWN else shown[:SHOWN] + '...'}: {needed} is needed")
