"""What a role, written as a protocol, asks of a class that is registered under it."""

import dataclasses
import inspect
from typing import Any


def fault(protocol: type, cls: type) -> str:
    """What a class lacks of a protocol's methods and properties, as the end of a sentence; empty where nothing is."""
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    lacking, differing = [], []
    for name, wanted in _members(protocol).items():
        found = _attribute(cls, name)
        if name in fields:
            continue
        if found is None or found is wanted:
            lacking.append(_shown(name, wanted))
        elif inspect.isfunction(wanted) and inspect.isfunction(found) and not _fits(found, wanted):
            differing.append(f"{_shown(name, found)} must be {_shown(name, wanted)}")
    told = [f"it lacks {', '.join(lacking)}"] if lacking else []
    return "; ".join(told + differing)


def _members(protocol: type) -> dict[str, Any]:
    """Methods and properties that a protocol and those it extends declare."""
    bases = [base for base in reversed(protocol.__mro__) if getattr(base, "_is_protocol", False)]
    return {
        name: item
        for base in bases
        for name, item in vars(base).items()
        if (inspect.isfunction(item) or isinstance(item, property)) and (name == "__call__" or name[0] != "_")
    }


def _attribute(cls: type, name: str) -> Any:
    """What a class itself has under a name; ``getattr`` would find its metaclass's ``__call__``."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _fits(found: Any, wanted: Any) -> bool:
    """Whether one function can be called with the arguments that the other one needs."""
    needed = [each for each in inspect.signature(wanted).parameters.values() if each.default is each.empty]
    try:
        inspect.signature(found).bind(*needed)
    except TypeError:
        return False
    return True


def _shown(name: str, member: Any) -> str:
    """A method as it is written, without types; a property by its name."""
    if isinstance(member, property):
        return f"{name} (a field or a property)"
    parameters = inspect.signature(member).parameters.values()
    plain = [each.replace(annotation=each.empty) for each in parameters]
    return f"{name}{inspect.Signature(plain)}"
