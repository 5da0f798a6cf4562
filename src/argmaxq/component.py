"""Components: small frozen dataclasses, at once configuration, documentation, command-line option and pure function.

``@component(Role)`` makes a class a frozen dataclass, a JAX pytree and an entry of the registry. Fields annotated as
floats or with ``Count`` are pytree leaves, so they are traced and never cause a second compilation; components inside a
component are subtrees; everything else is part of the tree's structure.
"""

import dataclasses
import math
import numbers
import re
import types
import typing
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))  # one line, whatever values it quotes


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


@typing.dataclass_transform(frozen_default=True)
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
    """``RegressionLoss`` -> ``regression-loss``; a string is its own name."""
    return role if isinstance(role, str) else type_name(role)


def role_of(cls: type) -> str:
    """The role under which a component class is registered."""
    return next(role for role, members in registry.items() if cls in members.values())


def is_component(value: Any) -> bool:
    """Whether ``value`` is an instance of a registered class."""
    return _registered(type(value))


def _registered(cls: type) -> bool:
    return any(cls in members.values() for members in registry.values())


def hints(cls: type) -> dict[str, Any]:
    """Annotations of a component's fields, ``Annotated`` metadata included."""
    return _hints(cls)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    resolved = typing.get_type_hints(cls, include_extras=True)
    return {field.name: resolved[field.name] for field in dataclasses.fields(cls)}


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
    """Components that may stand in a field so annotated: its class, or those under its role; empty for plain values."""
    plain = plain_type(hint)
    if not isinstance(plain, type):
        return {}
    if dataclasses.is_dataclass(plain):
        return {type_name(plain): plain} if _registered(plain) else {}
    return registry.get(role_name(plain), {})


def elements(hint: Any, length: int) -> list[Any]:
    """The annotation of each element of a tuple: ``tuple[int, ...]`` has as many as asked for."""
    inner = typing.get_args(plain_type(hint))
    return [inner[0]] * length if inner[1:] == (...,) else list(inner)


def _is_data(hint: Any) -> bool:
    plain, bounds = plain_type(hint), bounds_of(hint)
    if plain is float:
        return True
    if plain is int:
        return bounds is not None and bounds.traced
    return isinstance(plain, type) and (getattr(plain, "_is_protocol", False) or _registered(plain))


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
        elif _is_data(hint) and isinstance(item, numbers.Real):
            changed[name] = jnp.asarray(item, jnp.float32 if plain_type(hint) is float else jnp.int32)
    return dataclasses.replace(value, **changed)  # type: ignore[type-var]


def bind(value: T, spaces: Any) -> T:
    """The same component told of an environment's spaces: every part with a ``bind`` method is asked for its like."""
    if not is_component(value):
        return value
    items = {name: getattr(value, name) for name in hints(type(value))}
    changed = {name: bind(item, spaces) for name, item in items.items() if is_component(item)}
    bound = dataclasses.replace(value, **changed) if changed else value  # type: ignore[type-var]
    return bound.bind(spaces) if hasattr(bound, "bind") else bound


def remarks(value: Any, spaces: Any) -> list[str]:
    """What parts of a component have to say of an environment's spaces, a line each, with where they stand."""
    parts = [(where, item) for where, _, item in walk(value) if hasattr(item, "remarks")]
    return [f"agent.{where}: {line}" for where, item in parts for line in item.remarks(spaces)]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every field below a component as (path, annotation, value), parents before children."""
    for name, hint in hints(type(value)).items():
        item, where = getattr(value, name), f"{path}.{name}" if path else name
        yield where, hint, item
        if is_component(item):
            yield from walk(item, where)


def validate(value: T, path: str = "") -> T:
    """Check types and ranges of every field below ``value``, then what components ``check`` of themselves; return it.

    Raises:
        UserError: naming the path, the value and the range it must lie in.
    """
    below = list(walk(value, path))
    for where, hint, item in below:
        check_field(where, hint, item)
    for where, item in [(path, value), *((where, item) for where, _, item in below if is_component(item))]:
        if hasattr(item, "check"):
            try:
                item.check()
            except UserError as error:
                raise UserError(f"{where}: {error}" if where else str(error)) from None
    return value


def check_field(where: str, hint: Any, item: Any) -> None:
    """Check one field's value against its annotation.

    Raises:
        UserError: naming the path, the value and what is needed.
    """
    if item is None and type(None) in options(hint):
        return
    shown = type_name(type(item)) if is_component(item) else str(item) if candidates(hint) else repr(item)
    if fault := _fault(hint, item):
        raise UserError(f"{where} = {shown}{fault}")
    if typing.get_origin(plain_type(hint)) is tuple:
        for i, (inner, part) in enumerate(zip(elements(hint, len(item)), item, strict=True)):
            check_field(f"{where}[{i}]", inner, part)


def _fault(hint: Any, item: Any) -> str:
    """What is wrong with a field's value, as the end of a sentence; empty where nothing is."""
    plain, known = plain_type(hint), candidates(hint)
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    if known and type(item) not in known.values():
        name = type_name(type(item)) if is_component(item) else str(item)
        needed = type_name(plain) if plain in known.values() else role_name(plain)
        return f" is no {needed}: {near(name, known)}"
    if plain in (int, float):
        return _number_fault(plain is int, bounds_of(hint), item)
    if origin is typing.Literal and item not in arguments:
        return f": it must be one of {', '.join(map(str, arguments))}"
    if origin is tuple and not (isinstance(item, tuple) and len(item) == len(elements(hint, len(item)))):
        return f": it must be a tuple{'' if ... in arguments else f' of length {len(arguments)}'}"
    if plain is bool and not isinstance(item, bool):
        return ": it must be true or false"
    if plain is str and {*options(hint)} <= {str, type(None)} and not isinstance(item, str):
        return ": it must be text"
    if origin is dict and not isinstance(item, dict):
        return ": it must be a dict, or as text a JSON object"
    if origin is Callable and not callable(item):
        return ": it must be a function or another callable, given in Python"
    return ""


def _number_fault(whole: bool, bounds: Bounds | None, item: Any) -> str:
    shapes = whole and not (bounds is not None and bounds.traced)  # 64.0 can be cast, but is no array's length
    if isinstance(item, bool) or not isinstance(item, numbers.Integral if shapes else numbers.Real):
        return f": a {'whole ' if whole else ''}number is needed"
    if item != item or (whole and item % 1 != 0):
        return f": a {'whole ' if whole else ''}number is needed"
    if bounds is not None and not bounds.allow(item):
        return f" is out of its range: it must be {bounds}"
    return ""


def near(name: str, known: Any) -> str:
    """A hint for a name that was not found: the nearest known ones, or all of them when few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
