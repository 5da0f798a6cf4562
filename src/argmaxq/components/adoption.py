"""What other libraries made, taken for a component: a module of Flax for a network, an optax transformation."""

from collections.abc import Callable
from typing import Any, TypeVar

from argmaxq.components.annotations import plain_type
from argmaxq.components.registry import role_name

Adopter = TypeVar("Adopter", bound=Callable[[Any], Any])
adopters: dict[str, Callable[[Any], Any]] = {}
"""Role -> what makes a component of a value; None for what it does not know."""


def adopts(role: type) -> Callable[[Adopter], Adopter]:
    """Decorator of the function that makes components under a role of what other libraries made."""

    def decorate(adopter: Adopter) -> Adopter:
        adopters[role_name(role)] = adopter
        return adopter

    return decorate


def adopted(value: Any, hint: Any) -> Any:
    """The component that a value is taken for in a field so annotated; mostly the value itself."""
    plain = plain_type(hint)
    adopter = adopters.get(role_name(plain)) if isinstance(plain, type) else None
    component = None if adopter is None else adopter(value)
    return value if component is None else component
