"""Reading an environment's spaces: what an agent sees of them, and the translation of observations and actions."""

import dataclasses
import math
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.environments.hybrid import Choices, HybridSpace, read_hybrid
from argmaxq.types import Actions, ArraySpec, DiscreteActions, Spaces

Encode = Callable[[Any], np.ndarray]
Decode = Callable[[Any], Any]
Native: TypeAlias = tuple[gym.Space[Any], gym.Space[Any]]
"""An environment's own observation and action space."""


@dataclasses.dataclass(frozen=True)
class Adaptor:
    """Translates between an environment's own observations and actions and an agent's arrays.

    ``encode`` takes one observation, or a batch in the form a vector environment gives it, and returns an array of
    shape [*spaces.observation.shape] or [batch, ...]. ``decode`` takes an agent's action, or a batch of them, and
    gives what ``env.step`` of the environment, or of a vector environment, takes. It pickles as what it was made of.

    Attributes:
        spaces: What the agent sees.
        encode: From the environment to the agent.
        decode: From the agent to the environment.
        source: The environment's own observation and action space, and the choices: see ``read_spaces``.
    """

    spaces: Spaces
    encode: Encode
    decode: Decode
    source: tuple[gym.Space[Any], gym.Space[Any], Choices]

    def __reduce__(self) -> Any:
        return read_spaces, self.source


def read_spaces(observation_space: gym.Space[Any], action_space: gym.Space[Any], choices: Choices = ()) -> Adaptor:
    """The adaptor of an environment with these (single, unbatched) spaces.

    Box observations keep shape and dtype, but 64-bit numbers become float32. Discrete observations become an index
    0 .. n-1, of which networks other than tables make a one-hot vector. MultiDiscrete, MultiBinary, Dict and Tuple
    observations become what ``gymnasium.spaces.flatten`` makes of them, as float32: categories are one-hot.

    Raises:
        UserError: no agent can use such observations or actions; the message says which agent would.
    """
    spec, encode = read_observations(observation_space)
    actions, decode = read_actions(action_space, choices)
    return Adaptor(Spaces(spec, actions), encode, decode, (observation_space, action_space, choices))


def read_observations(space: gym.Space[Any]) -> tuple[ArraySpec, Encode]:
    """The array an agent sees and the function that makes it; see ``read_spaces``."""
    if isinstance(space, spaces.Box):
        dtype = np.dtype(np.float32) if space.dtype.itemsize > 4 else space.dtype
        return box_spec(space, dtype), partial(np.asarray, dtype=dtype)
    if isinstance(space, spaces.Discrete):
        return index_spec(space), partial(_index, int(space.start))
    encode = _flattener(space)
    return ArraySpec((spaces.flatdim(space),), "float32"), encode


def box_spec(space: spaces.Box, dtype: np.dtype[Any]) -> ArraySpec:
    """A Box as an array of ``dtype`` with its bounds."""
    return ArraySpec(space.shape, dtype.name, _flat(space.low), _flat(space.high))


def _flat(bound: np.ndarray) -> tuple[float, ...]:
    """A bound of each entry; one number many times where all are the same, as those of pictures are."""
    values = bound.ravel()
    same = values.size and (values == values[0]).all()
    return (float(values[0]),) * values.size if same else tuple(map(float, values))


def index_spec(space: spaces.Discrete) -> ArraySpec:
    """A Discrete space as an index 0 .. n-1."""
    return ArraySpec((), "int32", categories=int(space.n))


def read_actions(space: gym.Space[Any], choices: Choices = ()) -> tuple[Actions, Decode]:
    """The actions an agent chooses among and the function that turns them into the environment's own.

    With ``choices``, parameterised actions become discrete ones: every action with every combination of these values
    of its parameters.

    Raises:
        UserError: no agent can take such actions, or the choices do not fit them.
    """
    if isinstance(space, spaces.Discrete):
        if choices:
            raise UserError("env.choices picks values of parameters, but these actions are discrete and have none")
        n, dtype, start = int(space.n), space.dtype, space.start
        return DiscreteActions(n), lambda actions: (np.asarray(actions, dtype=dtype) + start)[()]
    hybrid = read_hybrid(space)
    if hybrid is None:
        raise UserError(f"actions {describe(space)} {_advice(space)}")
    if not choices:
        return hybrid.actions, hybrid.decode
    table = hybrid.table(choices)
    return DiscreteActions(len(table)), partial(_looked_up, hybrid, table)


def _looked_up(hybrid: HybridSpace, table: np.ndarray, actions: Any) -> Any:
    """The parameterised actions with these numbers in a table; works on NumPy's and on JAX's arrays."""
    xp: Any = jnp if isinstance(actions, jax.Array) else np
    return hybrid.decode(xp.take(table, actions, axis=0))


def describe(space: gym.Space[Any]) -> str:
    """A space in a few words on one line."""
    if isinstance(space, spaces.Box):
        return f"Box{space.shape} of {space.dtype}"
    return textwrap.shorten(str(space), 120, placeholder=" ...")


def _advice(space: gym.Space[Any]) -> str:
    match space:
        case spaces.Box():
            return "are continuous: no agent here fits; an actor-critic such as SAC does, in another library"
        case spaces.MultiDiscrete():
            return _enumerate(math.prod(int(n) for n in space.nvec.flat))
        case spaces.MultiBinary():
            return _enumerate(2 ** math.prod(space.shape))
        case _:
            return (
                "fit no agent here: wrap the environment so that its actions are one Discrete space, "
                "or a Tuple of one Discrete and a Box of parameters for each of its actions"
            )


def _enumerate(combinations: int) -> str:
    return (
        "are several choices at once: no agent here fits; enumerate the "
        f"{combinations:,} combinations as one Discrete space with gymnasium.wrappers.TransformAction"
    )


def _flattener(space: gym.Space[Any]) -> Encode:
    """``gymnasium.spaces.flatten`` for one observation or a batch, prepared once: no dispatch or checks per call."""
    match space:
        case spaces.Discrete():
            return partial(_one_hot, int(space.n), int(space.start))
        case spaces.MultiDiscrete():
            nvec = space.nvec.ravel().astype(np.int64)
            return partial(_multi_hot, space.start, np.cumsum(nvec) - nvec, int(nvec.sum()))
        case spaces.Box() | spaces.MultiBinary():
            return partial(_ravel, len(space.shape))
        case spaces.Dict():
            return partial(_joined, [(key, _flattener(part)) for key, part in space.spaces.items()])
        case spaces.Tuple():
            return partial(_joined, [(index, _flattener(part)) for index, part in enumerate(space.spaces)])
        case _:
            raise UserError(
                f"observations {describe(space)} have no fixed size as numbers: no agent here fits; "
                "turn them into a Box with gymnasium.wrappers.TransformObservation"
            )


def _index(start: int, obs: Any) -> np.ndarray:
    return np.asarray(np.asarray(obs) - start, np.int32)


def _one_hot(n: int, start: int, obs: Any) -> np.ndarray:
    index = np.asarray(obs) - start
    one_hot = np.zeros((*index.shape, n), np.float32)
    one_hot.reshape(-1, n)[np.arange(index.size), index.ravel()] = 1.0
    return one_hot


def _multi_hot(start: np.ndarray, offsets: np.ndarray, size: int, obs: Any) -> np.ndarray:
    index = _batched(np.asarray(obs) - start, start.ndim) + offsets
    out = np.zeros((*index.shape[:-1], size), np.float32)
    np.put_along_axis(out, index, 1.0, axis=-1)
    return out


def _ravel(ndim: int, obs: Any) -> np.ndarray:
    return _batched(np.asarray(obs, np.float32), ndim)


def _batched(array: np.ndarray, ndim: int) -> np.ndarray:
    """The last ``ndim`` axes as one; the others, if any, are the batch's."""
    return array.reshape(*array.shape[: array.ndim - ndim], -1)


def _joined(parts: list[tuple[Any, Encode]], obs: Any) -> np.ndarray:
    return np.concatenate([encode(obs[key]) for key, encode in parts], axis=-1)
