"""Components: small frozen dataclasses, at once configuration, documentation, command-line option and pure function.

``@component(Role)`` makes a class a frozen dataclass, a JAX pytree and an entry of the registry. Fields annotated as
floats or with ``Count`` are pytree leaves, so they are traced and never cause a second compilation; components inside a
component are subtrees; everything else is part of the tree's structure.
"""

import dataclasses
import functools
import numbers
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from argmaxq.components.adoption import adopted, adopting
from argmaxq.components.annotations import bounds_of, hints, options, plain_type
from argmaxq.components.registry import is_component, is_registered, register

T = TypeVar("T")


@typing.dataclass_transform(frozen_default=True)
def component(role: type | str) -> Callable[[type[T]], type[T]]:
    """Class decorator: a frozen dataclass registered as a pytree and, under ``role``, by its kebab-case name.

    Raises:
        UserError: the class lacks a method of the role's protocol, or another class has its name already.

    Examples:
        >>> @aq.component(aq.Exploration)
        ... class Last:
        ...     def noise(self, key, shape): return ()
        ...     def choose(self, q, clock, noise): return q.shape[0] - 1
        ...     def explores(self, clock, noise): return False
        ...     def report(self, clock): return {}
        >>> aq.agents.DQN(exploration=Last()).exploration
        Last()
    """

    def decorate(cls: type[T]) -> type[T]:
        made = dataclasses.dataclass(frozen=True)(cls)
        traced = [name for name, hint in hints(made).items() if _is_data(hint)]
        static = [field.name for field in dataclasses.fields(made) if field.name not in traced]  # type: ignore[arg-type]
        register(role, made)
        _adopt_in_constructor(made)
        jax.tree_util.register_dataclass(made, data_fields=traced, meta_fields=static)
        return made

    return decorate


def _adopt_in_constructor(cls: Any) -> None:
    """Let the constructor take for components what these fields take: a number for a schedule, and the like.

    ``Network | Any`` says so of a field, to a type checker, too.
    """
    taking = {name: hint for name, hint in hints(cls).items() if _adopts(hint)}
    plain_init = cls.__init__

    @functools.wraps(plain_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        plain_init(self, *args, **kwargs)
        for name, hint in taking.items():
            value = getattr(self, name)
            if (component := adopted(value, hint)) is not value:
                object.__setattr__(self, name, component)

    if taking:
        cls.__init__ = init


def _adopts(hint: Any) -> bool:
    return adopting(hint) or (Any in options(hint) and plain_type(hint) is not Any)


def _is_data(hint: Any) -> bool:
    plain, bounds = plain_type(hint), bounds_of(hint)
    if plain is float:
        return True
    if plain is int:
        return bounds is not None and bounds.traced
    return isinstance(plain, type) and (getattr(plain, "_is_protocol", False) or is_registered(plain))


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
