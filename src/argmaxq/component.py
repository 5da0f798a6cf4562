"""Components: small frozen dataclasses that are configuration, documentation, command-line option and pure function at once.

``@component(Role)`` makes a class a frozen dataclass, a JAX pytree and an entry of the registry. Fields annotated as
floats or with ``Count`` are pytree leaves, so they are traced and never cause a second compilation; components inside a
component are subtrees; everything else is part of the tree's structure.
"""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The range of a number: ``low <= x <= high``, or ``low < x`` when ``open_low``. ``traced`` makes an int a leaf."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    traced: bool = False

    def __str__(self) -> str:
        lower = f"{'more than' if self.open_low else 'at least'} {self.low:g}"
        upper = f"at most {self.high:g}"
        if math.isinf(self.high):
            return "any finite number" if math.isinf(self.low) else lower
        return upper if math.isinf(self.low) else f"{lower} and {upper}"

    def allow(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and value <= self.high


Number = Annotated[float, Bounds()]
Fraction = Annotated[float, Bounds(0.0, 1.0)]
NonNegative = Annotated[float, Bounds(0.0)]
Positive = Annotated[float, Bounds(0.0, open_low=True)]
Count = Annotated[int, Bounds(0, 2**31 - 1, traced=True)]
"""A whole number that does not shape the program: it is traced."""
Size = Annotated[int, Bounds(1, 2**31 - 1)]
"""A whole number that shapes the program: an array's length or a loop's."""

registry: dict[str, dict[str, type]] = {}
"""Role -> component name -> class; the only place where a type named in a file or an option is looked up."""


def component(role: type | str) -> Any:
    """Class decorator: a frozen dataclass registered as a pytree and, under ``role``, by its kebab-case name."""

    def decorate(cls: type[T]) -> type[T]:
        made = dataclasses.dataclass(frozen=True)(cls)
        traced = [name for name, hint in hints(made).items() if _is_data(hint)]
        static = [field.name for field in dataclasses.fields(made) if field.name not in traced]  # type: ignore[arg-type]
        jax.tree_util.register_dataclass(made, data_fields=traced, meta_fields=static)
        registry.setdefault(role_name(role), {})[type_name(made)] = made
        return made

    return decorate


def type_name(cls: type) -> str:
    """``EpsilonGreedy`` -> ``epsilon-greedy``; ``RAdam`` -> ``radam``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()


def role_name(role: type | str) -> str:
    return role if isinstance(role, str) else role.__name__.lower()


def role_of(cls: type) -> str:
    """The role under which a component class is registered."""
    return next(role for role, members in registry.items() if cls in members.values())


def is_component(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and any(type(value) in members.values() for members in registry.values())


@cache
def hints(cls: type) -> dict[str, Any]:
    """Annotations of a component's fields, ``Annotated`` metadata included."""
    resolved = typing.get_type_hints(cls, include_extras=True)
    return {field.name: resolved[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]


def options(hint: Any) -> list[Any]:
    """The members of a union (``None`` among them), or the hint alone."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return list(typing.get_args(hint))
    return [hint]


def bounds_of(hint: Any) -> Bounds | None:
    """The range that an annotation carries, if any."""
    for option in options(hint):
        for extra in getattr(option, "__metadata__", ()):
            if isinstance(extra, Bounds):
                return extra
    return None


def plain_type(hint: Any) -> Any:
    """The annotation without its ``Annotated`` wrapping and without ``None``."""
    first = next(option for option in options(hint) if option is not type(None))
    return typing.get_args(first)[0] if typing.get_origin(first) is Annotated else first


def candidates(hint: Any) -> dict[str, type]:
    """Components that may stand in a field so annotated: those registered under its role; empty for plain values."""
    plain = plain_type(hint)
    return registry.get(role_name(plain), {}) if isinstance(plain, type) else {}


def _is_data(hint: Any) -> bool:
    plain, bounds = plain_type(hint), bounds_of(hint)
    if plain is float:
        return True
    if plain is int:
        return bounds is not None and bounds.traced
    return isinstance(plain, type) and getattr(plain, "_is_protocol", False)


def traced(value: T) -> T:
    """The same component with every number that may be traced as an array of one dtype (float32 or int32).

    Done at the jit border, so that 0.5, ``np.float32(0.5)`` and 1 do not compile three programs.
    """
    if not is_component(value):
        return value
    changed = {}
    for name, hint in hints(type(value)).items():
        item = getattr(value, name)
        if is_component(item):
            changed[name] = traced(item)
        elif _is_data(hint) and isinstance(item, int | float):
            changed[name] = jnp.asarray(item, jnp.float32 if plain_type(hint) is float else jnp.int32)
    return dataclasses.replace(value, **changed)  # type: ignore[type-var]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every field below a component as (path, annotation, value), parents before children."""
    for name, hint in hints(type(value)).items():
        item, where = getattr(value, name), f"{path}.{name}" if path else name
        yield where, hint, item
        if is_component(item):
            yield from walk(item, where)


def validate(value: T, path: str = "") -> T:
    """Check types and ranges of every field below ``value`` and return it.

    Raises:
        UserError: naming the path, the value and the range it must lie in.
    """
    for where, hint, item in walk(value, path):
        _check(where, hint, item)
    return value


def _check(where: str, hint: Any, item: Any) -> None:
    if item is None and type(None) in options(hint):
        return
    plain, bounds = plain_type(hint), bounds_of(hint)
    if plain in (int, float):
        right = isinstance(item, int | float) and not isinstance(item, bool)
        if not right or (plain is int and item != int(item)) or math.isnan(item):
            raise UserError(f"{where} = {item!r}: a {'whole ' if plain is int else ''}number is needed")
        if bounds is not None and not bounds.allow(item):
            raise UserError(f"{where} = {item!r} is out of its range: it must be {bounds}")
    elif typing.get_origin(plain) is typing.Literal and item not in typing.get_args(plain):
        raise UserError(f"{where} = {item!r}: it must be one of {', '.join(map(str, typing.get_args(plain)))}")
    elif plain is bool and not isinstance(item, bool):
        raise UserError(f"{where} = {item!r}: it must be true or false")


def near(name: str, known: Any) -> str:
    """A hint for a name that was not found: the nearest known ones, or all of them when few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
