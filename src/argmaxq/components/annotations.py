"""What a field's annotation says: types, ranges, and which numbers may be traced."""

import dataclasses
import math
import types
import typing
from functools import cache
from typing import Annotated, Any


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The range of a number: ``low <= x <= high``, or ``low < x`` when ``open_low``. ``traced`` makes an int a leaf."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    traced: bool = False

    def __str__(self) -> str:
        lower = f"{'more than' if self.open_low else 'at least'} {self.low:.10g}"
        upper = f"at most {self.high:.10g}"
        if math.isinf(self.high):
            return "any finite number" if math.isinf(self.low) else lower
        return upper if math.isinf(self.low) else f"{lower} and {upper}"

    def allow(self, value: Any) -> bool:
        """Whether a number lies in the range; infinity never does."""
        above = value > self.low if self.open_low else value >= self.low
        return bool(above and value <= self.high and abs(value) < math.inf)


class Suits:
    """What components chosen by name begin with in a field, where their own defaults are made for other places."""

    def __init__(self, *components: Any) -> None:
        self.components = components


class Bound:
    """Marks a field that only ``bind`` fills in: it is no option, and is not written to files."""


class Together:
    """Marks a traced number that bounds a loop: mapped, it would have JAX select the whole carry at every turn.

    So what trains side by side in one program has the same.
    """


Number = Annotated[float, Bounds()]
Fraction = Annotated[float, Bounds(0.0, 1.0)]
NonNegative = Annotated[float, Bounds(0.0)]
Positive = Annotated[float, Bounds(0.0, open_low=True)]
Count = Annotated[int, Bounds(0, 2**31 - 1, traced=True)]
"""A whole number that does not shape the program: it is traced."""
Onset = Annotated[int, Bounds(0, 2**31 - 1, traced=True), Together()]
"""The same where it says when a loop is done at all."""
Size = Annotated[int, Bounds(1, 2**31 - 1)]
"""A whole number that shapes the program: an array's length or a loop's."""
Extent = Annotated[int, Bounds(0, 2**31 - 1)]
"""The same where there may be nothing."""


def hints(cls: type) -> dict[str, Any]:
    """Annotations of a component's fields but for those marked ``Bound``, ``Annotated`` metadata included."""
    return _hints(cls)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    resolved = typing.get_type_hints(cls, include_extras=True)
    found = {field.name: resolved[field.name] for field in dataclasses.fields(cls)}
    return {name: hint for name, hint in found.items() if not any(isinstance(mark, Bound) for mark in marks(hint))}


def options(hint: Any) -> list[Any]:
    """The members of a union (``None`` among them), or the hint alone."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return list(typing.get_args(hint))
    return [hint]


def bounds_of(hint: Any) -> Bounds | None:
    """The range that an annotation carries, if any."""
    return next((mark for mark in marks(hint) if isinstance(mark, Bounds)), None)


def marks(hint: Any) -> tuple[Any, ...]:
    """What an annotation carries besides its type."""
    return tuple(extra for option in options(hint) for extra in getattr(option, "__metadata__", ()))


def suiting(hint: Any) -> tuple[Any, ...]:
    """Components that a field so annotated suggests, one of a class."""
    return tuple(each for mark in marks(hint) if isinstance(mark, Suits) for each in mark.components)


def plain_type(hint: Any) -> Any:
    """The annotation without its ``Annotated`` wrapping and without ``None``."""
    first = next(option for option in options(hint) if option is not type(None))
    return typing.get_args(first)[0] if typing.get_origin(first) is Annotated else first


def elements(hint: Any, length: int) -> list[Any]:
    """The annotation of each element of a tuple: ``tuple[int, ...]`` has as many as asked for."""
    inner = typing.get_args(plain_type(hint))
    return [inner[0]] * length if inner[1:] == (...,) else list(inner)
