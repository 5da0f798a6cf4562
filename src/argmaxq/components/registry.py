"""Which components there are: roles, the classes under each, and their names."""

import dataclasses
import re
from difflib import get_close_matches
from typing import Any

from argmaxq.components.annotations import plain_type
from argmaxq.components.errors import UserError
from argmaxq.components.protocols import fault

registry: dict[str, dict[str, type]] = {}
"""Role -> component name -> class; the only place where a type named in a file or an option is looked up."""
protocols: dict[str, type] = {}
"""Role -> the protocol that its components follow, where it is not a name alone."""
SCRIPT = "__main__"
"""The module that a script or notebook is, also in a process that it starts: no other one can import it."""


def register(role: type | str, cls: type) -> None:
    """Enter a class under its role; a class of the same module and name, as of a cell run again, takes its place.

    Raises:
        UserError: it lacks a method of the role's, or there is another class of its name.
    """
    name, short = role_name(role), type_name(cls)
    protocol = role if isinstance(role, type) else protocols.get(role)
    if lacking := fault(protocol, cls) if protocol is not None else "":
        raise UserError(f"{cls.__qualname__} is no {name}: {lacking}")
    other = registry.get(name, {}).get(short)
    if other is not None and home(other) != home(cls):
        raise UserError(f"there is already {home(other)} for the {name} {short}: call {home(cls)} otherwise")
    if isinstance(role, type):
        protocols[name] = role
    registry.setdefault(name, {})[short] = cls


def reference(cls: type) -> str:
    """How a file names a class: by its own name, or ``module:Class`` where it is a user's and has a place."""
    if is_ours(cls) or "<locals>" in cls.__qualname__:
        return type_name(cls)
    module = SCRIPT if cls.__module__ == "__mp_main__" else cls.__module__
    return f"{module}:{cls.__qualname__}"


def is_ours(cls: type) -> bool:
    """Whether a class is one of this package's own."""
    return cls.__module__.partition(".")[0] == __package__.partition(".")[0]


def lookup(role: str, name: str) -> type | None:
    """The class that is registered under a role by its own name, hyphens aside, or by that in ``module:Class``."""
    short = kebab(name.rpartition(":")[2].rpartition(".")[2]) if ":" in name else name
    members = registry.get(role, {})
    joined = {known.replace("-", ""): cls for known, cls in members.items()}
    return members.get(short) or joined.get(short.replace("-", ""))


def type_name(cls: type) -> str:
    """``EpsilonGreedy`` -> ``epsilon-greedy``; ``RAdam`` -> ``radam``."""
    return kebab(cls.__name__)


def kebab(name: str) -> str:
    """A class's name as options and files have it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


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


def home(cls: type) -> str:
    """Where a class was defined: the same for a class that is defined again."""
    return f"{cls.__module__}.{cls.__qualname__}"
