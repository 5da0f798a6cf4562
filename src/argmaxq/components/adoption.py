"""What is taken for a component: a number for a schedule, another library's module for a network, and the like."""

from collections.abc import Callable
from typing import Any, TypeVar

from argmaxq.components.annotations import plain_type
from argmaxq.components.registry import role_name

Adopter = TypeVar("Adopter", bound=Callable[[Any], Any])
adopters: dict[str, Callable[[Any], Any]] = {}
"""Role -> what makes a component of a value; None for what it does not know."""


def adopts(role: type) -> Callable[[Adopter], Adopter]:
    """Decorator of the function that makes components under a role of numbers, or of what other libraries made."""

    def decorate(adopter: Adopter) -> Adopter:
        adopters[role_name(role)] = adopter
        return adopter

    return decorate


def adopting(hint: Any) -> bool:
    """Whether a field so annotated takes something for a component."""
    plain = plain_type(hint)
    return isinstance(plain, type) and role_name(plain) in adopters


def adopted(value: Any, hint: Any) -> Any:
    """The component that a value is taken for in a field so annotated; mostly the value itself."""
    component = adopters[role_name(plain_type(hint))](value) if adopting(hint) else None
    return value if component is None else component
