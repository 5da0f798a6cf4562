"""Types and ranges of a component's fields, checked once, before anything is built on them."""

import numbers
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from argmaxq.components.annotations import Bounds, bounds_of, elements, options, plain_type
from argmaxq.components.component import walk
from argmaxq.components.errors import UserError
from argmaxq.components.registry import candidates, home, is_component, near, role_name, type_name

T = TypeVar("T")


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
    bounds = bounds_of(hint)
    if is_component(item) and bounds is not None and hasattr(item, "extremes"):
        _check_extremes(where, bounds, item.extremes)
    if typing.get_origin(plain_type(hint)) is tuple:
        for i, (inner, part) in enumerate(zip(elements(hint, len(item)), item, strict=True)):
            check_field(f"{where}[{i}]", inner, part)


def _check_extremes(where: str, bounds: Bounds, extremes: tuple[float, float]) -> None:
    """Check the range of a component that stands for a number which changes between these two."""
    if beyond := [value for value in extremes if not bounds.allow(value)]:
        raise UserError(f"{where} comes to {beyond[0]:.10g}, out of its range: it must be {bounds}")


def _fault(hint: Any, item: Any) -> str:
    """What is wrong with a field's value, as the end of a sentence; empty where nothing is."""
    plain, known = plain_type(hint), candidates(hint)
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    if known and type(item) not in known.values():
        if home(type(item)) in map(home, known.values()):
            return ": it was made before its class was defined again, so make it again"
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
