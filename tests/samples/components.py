"""Components to test the component machinery with, under roles of their own."""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, Protocol

from hypothesis import strategies as st

from argmaxq.components.annotations import (
    Count,
    Fraction,
    Positive,
    Size,
    bounds_of,
    elements,
    hints,
    options,
    plain_type,
)
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import candidates


class Curve(Protocol): ...


class StudyMemory(Protocol): ...


@component(Curve)
class Flat:
    """Always the same.

    Attributes:
        value: The value.
    """

    shorthand = "value"
    value: Fraction = 0.1


@component(Curve)
class Slope:
    """From start to end."""

    start: Fraction = 1.0
    end: Fraction = 0.0
    per: Literal["step", "episode"] = "step"


@component(StudyMemory)
class Even:
    """All alike.

    Attributes:
        capacity: Rows kept; the
            oldest go first.
    """

    capacity: Count = 1_000


@component(StudyMemory)
class RankedMemory:
    """By surprise (Schaul et al. 2016)."""

    capacity: Count = 100
    alpha: Fraction = 0.6
    beta: Curve = Slope()


@component(StudyMemory)
class Wrapped:
    """Around another."""

    inner: Even


@component("world")
class World:
    """Where it happens.

    Attributes:
        id: A name, or a callable that makes one.
        kwargs: What it is made with.
    """

    shorthand = "id"
    id: str | Callable[..., Any] = "CartPole-v1"
    lanes: Size = 1
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)


@component("student")
class Student:
    memory: StudyMemory = Even()
    rate: Positive = 1e-3
    widths: tuple[Size, ...] = (64, 64)
    box: tuple[float, float] = (-1.0, 1.0)
    mode: Literal["max", "double"] = "max"
    clip: bool = False
    limit: Count | None = None
    curve: Curve | None = None
    module: Any = None

    def check(self) -> None:
        if self.box[0] > self.box[1]:
            raise UserError("box is upside down")


@component("plan")
class Plan:
    """Everything.

    Attributes:
        student: Who learns.
        steps: How long.
    """

    student: Student = Student()
    world: World = World()
    steps: Count = 50_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter("own".__ne__), inner),
    max_leaves=5,
)


@cache
def components(cls: type) -> st.SearchStrategy[Any]:
    """Random components of a class, each field within its bounds; objects of the user's own keep their default."""
    fields = {name: values(hint) for name, hint in hints(cls).items() if plain_type(hint) is not Any}
    return st.builds(cls, **{name: strategy for name, strategy in fields.items() if strategy is not None})


def values(hint: Any) -> st.SearchStrategy[Any] | None:
    """Random values of a field so annotated; None where only Python can make one."""
    strategy = _values(hint)
    return strategy if strategy is None or type(None) not in options(hint) else st.none() | strategy


def _values(hint: Any) -> st.SearchStrategy[Any] | None:
    plain, bounds = plain_type(hint), bounds_of(hint)
    origin, arguments = getattr(plain, "__origin__", plain), getattr(plain, "__args__", ())
    if known := candidates(hint):
        # Deferred, for a component may hold another of its own role.
        return st.deferred(lambda: st.one_of([components(cls) for cls in known.values()]))
    if plain is float:
        low, high = (bounds.low, bounds.high) if bounds else (-1e30, 1e30)
        open_low = bool(bounds and bounds.open_low)
        return st.floats(max(low, -1e30), min(high, 1e30), exclude_min=open_low)
    if plain is int:
        # Mostly above 0, as widths of layers must be.
        anything = st.integers(1, 10**6) | st.integers(1, 10**6) | st.integers(-(10**6), 10**6)
        return st.integers(int(bounds.low), int(bounds.high)) if bounds else anything
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.tuples(*map(values, elements(hint, 3)))
    return {bool: st.booleans(), str: st.text(), dict: st.dictionaries(st.text().filter("own".__ne__), JSON)}.get(
        origin
    )
