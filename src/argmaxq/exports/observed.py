"""An environment's own observations as arrays by name, and what an agent sees of them, in JAX."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.masks import unmasked
from argmaxq.lanes.observations import describe
from argmaxq.lanes.spaces import Adaptor
from argmaxq.types import ACTION_MASK, Array


class Port(NamedTuple):
    """An array that goes in: its name, its shape for one observation, and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def zeros(self) -> np.ndarray:
        """One like it."""
        return np.zeros(self.shape, self.dtype)


Given: TypeAlias = Mapping[str, Array]
OBSERVATION = "observation"


class Reading(NamedTuple):
    """The arrays of one observation, and the one array that an agent sees of them."""

    ports: tuple[Port, ...]
    seen: Callable[[Given], Array]


def observed(adaptor: Adaptor) -> Reading:
    """How observations are read, their mask of actions included where there is one.

    A lone space is called ``observation``; entries of a Dict or Tuple ``observation.KEY``; the mask ``action_mask``.
    """
    space, mask = adaptor.source[0], adaptor.mask
    key = None
    if mask == "observation":
        space, key = unmasked(space)
    reading = _alone(space, OBSERVATION if key is None else f"{OBSERVATION}.{key}")
    return reading if mask == "none" else _masked(reading, adaptor.spaces.action.n)


def arrays(adaptor: Adaptor, obs: Any, mask: Any = None) -> dict[str, np.ndarray]:
    """The arrays, by name, of one observation or a batch, and of the mask where infos tell it; see ``observed``."""
    found = dict(_named(adaptor.source[0], obs, OBSERVATION))
    if adaptor.mask == "observation":
        mask = found.pop(f"{OBSERVATION}.{ACTION_MASK}")
    return found if mask is None else {**found, ACTION_MASK: mask}


def handed_over(dtype: Any) -> str:
    """The dtype in which a Box's numbers are handed over: its own, or float32 for those of 64 bits."""
    return str(dtype.name) if dtype.itemsize <= 4 else "float32"


def _named(space: gym.Space[Any], obs: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    members = _members(space)
    for key, part in members:
        yield from _named(part, obs[key], f"{name}.{key}")
    if not members:
        yield name, np.asarray(obs)


def _members(space: gym.Space[Any]) -> list[tuple[Any, gym.Space[Any]]]:
    """The entries of a Dict or Tuple; of any other space none."""
    match space:
        case spaces.Dict():
            return list(space.spaces.items())
        case spaces.Tuple():
            return list(enumerate(space.spaces))
    return []


def _masked(reading: Reading, actions: int) -> Reading:
    port = Port(ACTION_MASK, (actions,), "int8")

    def seen(given: Given) -> Array:
        alone = jnp.ravel(reading.seen(given))
        return jnp.concatenate([alone, (given[ACTION_MASK] != 0).astype(alone.dtype)])

    return Reading((*reading.ports, port), seen)


def _alone(space: gym.Space[Any], name: str) -> Reading:
    """As ``lanes.observations.read_observations``: a Box keeps its shape, a Discrete space is an index."""
    match space:
        case spaces.Box():
            return Reading((Port(name, space.shape, handed_over(space.dtype)),), lambda given: given[name])
        case spaces.Discrete():
            start = int(space.start)
            return Reading((Port(name, (), "int32"),), lambda given: given[name] - start)
        case _:
            return _flat(space, name)


def _flat(space: gym.Space[Any], name: str) -> Reading:
    """As ``gymnasium.spaces.flatten``, in float32."""
    match space:
        case spaces.Box():
            port = Port(name, space.shape, handed_over(space.dtype))
            return Reading((port,), lambda given: jnp.ravel(given[name]).astype(jnp.float32))
        case spaces.MultiBinary():
            return Reading((Port(name, space.shape, "int8"),), lambda given: jnp.ravel(given[name]).astype(jnp.float32))
        case spaces.Discrete():
            n, start = int(space.n), int(space.start)
            return Reading((Port(name, (), "int32"),), lambda given: jax.nn.one_hot(given[name] - start, n))
        case spaces.MultiDiscrete():
            return _several(space, name)
        case spaces.Dict() | spaces.Tuple():
            return _joined([_flat(part, f"{name}.{key}") for key, part in _members(space)])
        case _:
            raise UserError(f"observations {describe(space)} have no fixed size, and cannot be exported")


def _several(space: spaces.MultiDiscrete, name: str) -> Reading:
    sizes, start = [int(n) for n in space.nvec.ravel()], space.start.ravel().astype(np.int32)

    def seen(given: Given) -> Array:
        index = jnp.ravel(given[name]) - start
        return jnp.concatenate([jax.nn.one_hot(index[place], n) for place, n in enumerate(sizes)])

    return Reading((Port(name, space.shape, "int32"),), seen)


def _joined(parts: list[Reading]) -> Reading:
    ports = tuple(port for part in parts for port in part.ports)
    return Reading(ports, lambda given: jnp.concatenate([part.seen(given) for part in parts]))
