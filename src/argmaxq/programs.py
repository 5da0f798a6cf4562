"""Compiled programs that trainings of one process share: the next one of its kind begins without compiling."""

import dataclasses
import types
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from gymnasium import spaces
from gymnasium.experimental.functional import FuncEnv

MOST = 128
"""Programs that are kept; those longest out of use are dropped first."""
PLAIN = (bool, int, float, str, bytes, type(None), np.dtype, jax.Device, jax.tree_util.PyTreeDef)
OURS = __name__.partition(".")[0]


class Unknown(Exception):
    """Of what is not ours nobody knows what else its programs depend on."""


class Programs:
    """Makes the programs of an agent: shared where all that they depend on is ours, and the same.

    A user's own component, network or environment may read what changes between two trainings, such as a global
    variable of a notebook: its programs are compiled anew each time.
    """

    def __init__(self, agent: Any = None) -> None:
        try:
            identity(agent)
        except Unknown:
            self._ours = False
        else:
            self._ours = True

    def __call__(self, function: Callable[..., Any], *fixed: Any, donate: tuple[int, ...] = ()) -> Any:
        """``function`` of a module, compiled, its first arguments ``fixed``; it may use up those of ``donate``."""
        if self._ours:
            try:
                return _shared(function, _Fixed(identity(fixed), fixed), donate)
            except Unknown:
                pass
        return jax.jit(partial(function, *fixed), donate_argnums=donate)


@dataclasses.dataclass(frozen=True)
class _Fixed:
    """Values, compared by what they are made of."""

    key: Hashable
    values: tuple[Any, ...] = dataclasses.field(compare=False)


@lru_cache(MOST)
def _shared(function: Callable[..., Any], fixed: _Fixed, donate: tuple[int, ...]) -> Any:
    return jax.jit(partial(function, *fixed.values), donate_argnums=donate)


def forget() -> None:
    """Share none of the programs that there are; who uses one keeps it."""
    _shared.cache_clear()


def identity(value: Any) -> Hashable:
    """What a value is made of, types included: equal for values that all functions of ours treat alike.

    Raises:
        Unknown: it is, or holds, what is neither plain nor ours.
    """
    match value:
        case _ if isinstance(value, PLAIN):
            return type(value), value
        case tuple() | list():
            return type(value), tuple(map(identity, value))
        case np.ndarray() | np.generic() | jax.Array():
            array = np.asarray(value)
            return array.dtype.str, array.shape, array.tobytes()
        case spaces.Box() if type(value) is spaces.Box:
            return type(value), identity(value.low), identity(value.high)
        case spaces.Discrete():
            return type(value), int(value.n), int(value.start)
        case spaces.Tuple():
            return type(value), tuple(map(identity, value.spaces))
        case type() | types.FunctionType() if _of(value):
            return value
        case _ if _of(type(value)):
            return _made_of(value)
        case _:
            raise Unknown(f"{type(value)}")


def _of(named: Any) -> bool:
    """Whether a class or a function is this library's."""
    return str(named.__module__).partition(".")[0] == OURS


def _made_of(value: Any) -> Hashable:
    if isinstance(value, FuncEnv):
        return type(value), tuple((name, identity(own)) for name, own in sorted(vars(value).items()))
    if dataclasses.is_dataclass(value):
        return type(value), tuple(identity(getattr(value, field.name)) for field in dataclasses.fields(value))
    raise Unknown(f"{type(value)}")
