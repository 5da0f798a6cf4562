"""Which components there are: roles, the classes under each, and their names."""

import dataclasses
import re
from difflib import get_close_matches
from typing import Any

from argmaxq.components.annotations import plain_type

registry: dict[str, dict[str, type]] = {}
"""Role -> component name -> class; the only place where a type named in a file or an option is looked up."""


def register(role: type | str, cls: type) -> None:
    """Enter a class under its role."""
    registry.setdefault(role_name(role), {})[type_name(cls)] = cls


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
    return is_registered(type(value))


def is_registered(cls: type) -> bool:
    """Whether a class is a component's."""
    return any(cls in members.values() for members in registry.values())


def candidates(hint: Any) -> dict[str, type]:
    """Components that may stand in a field so annotated: its class, or those under its role; empty for plain values."""
    plain = plain_type(hint)
    if not isinstance(plain, type):
        return {}
    if dataclasses.is_dataclass(plain):
        return {type_name(plain): plain} if is_registered(plain) else {}
    return registry.get(role_name(plain), {})


def near(name: str, known: Any) -> str:
    """A hint for a name that was not found: the nearest known ones, or all of them when few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"
