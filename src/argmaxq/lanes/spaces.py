"""Reading an environment's spaces: what an agent sees of them, and the translation of observations and actions."""

import dataclasses
import math
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.hybrid import Choices, HybridSpace, read_hybrid
from argmaxq.lanes.masks import Mask, allowed, maskable, unmasked
from argmaxq.types import ACTION_MASK, Actions, ArraySpec, BranchedActions, DiscreteActions, Part, Spaces, packed

Encode = Callable[[Any], np.ndarray]
Decode = Callable[[Any], Any]
Native: TypeAlias = tuple[gym.Space[Any], gym.Space[Any]]
"""An environment's own observation and action space."""
WHOLE = (int, np.integer)
MOST_COMBINATIONS = 4096
"""Several choices at once that are enumerated: a network has an output for each. More are branches."""


@dataclasses.dataclass(frozen=True)
class Adaptor:
    """Translates between an environment's own observations and actions and an agent's arrays.

    ``encode`` takes one observation, or a batch in the form a vector environment gives it, and returns an array of
    shape [*spaces.observation.shape] or [batch, ...]. ``decode`` takes an agent's action, or a batch of them, and
    gives what ``env.step`` of the environment, or of a vector environment, takes. Where actions are masked, what an
    agent sees is what ``joined`` makes of an encoded observation. It pickles as what it was made of.

    Attributes:
        spaces: What the agent sees.
        encode: From the environment to the agent.
        decode: From the agent to the environment.
        source: The environment's own observation and action space, the choices and the mask: see ``read_spaces``.
    """

    spaces: Spaces
    encode: Encode
    decode: Decode
    source: tuple[gym.Space[Any], gym.Space[Any], Choices, Mask]

    def __reduce__(self) -> Any:
        return read_spaces, self.source

    @property
    def mask(self) -> Mask:
        """Where the environment tells which actions are allowed."""
        return self.source[3]

    def whole(self, obs: Any, info: Any, over: Any = False) -> np.ndarray:
        """An observation with its info, or a batch, as an agent sees it; ``over`` where an episode is terminated.

        Raises:
            UserError: it should tell which actions are allowed, and does not.
        """
        seen = self.encode(obs)
        return self.joined(seen, obs, info, over) if self.spaces.masked else seen

    def joined(self, seen: np.ndarray, obs: Any, info: Any, over: Any = False) -> np.ndarray:
        """An encoded observation [*shape], or a batch, with its mask of actions: arrays as ``spaces.stored``."""
        told, where = (info, "info") if self.mask == "info" else (obs, "observation")
        leading = seen.shape[: seen.ndim - len(self.spaces.observation.packed.shape)]
        mask = allowed(told.get(ACTION_MASK), self.spaces.action.n, leading, over, f"{where}[{ACTION_MASK!r}]")
        return np.concatenate([seen.reshape(*leading, -1), mask.astype(seen.dtype)], axis=-1)


def read_spaces(
    observation_space: gym.Space[Any], action_space: gym.Space[Any], choices: Choices = (), mask: Mask = "none"
) -> Adaptor:
    """The adaptor of an environment with these (single, unbatched) spaces.

    Box observations keep shape and dtype, but 64-bit numbers become float32. Discrete observations become an index
    0 .. n-1, of which networks other than tables make a one-hot vector. MultiDiscrete, MultiBinary, Dict and Tuple
    observations become what ``gymnasium.spaces.flatten`` makes of them, as float32: categories are one-hot; where
    pictures of bytes are among them, rows keep them as bytes. With a ``mask`` in them, Dict observations are what is
    left without it, see ``masks.unmasked``.

    Raises:
        UserError: no agent can use such observations or actions; the message says which agent would.
    """
    rest, key = unmasked(observation_space) if mask == "observation" else (observation_space, None)
    spec, encode = read_observations(rest)
    actions, decode = read_actions(action_space, choices)
    seen = Spaces(spec, actions, maskable(actions, choices, mask))
    encode = encode if key is None else partial(_entry, key, encode)
    return Adaptor(seen, encode, decode, (observation_space, action_space, choices, mask))


def _entry(key: str, encode: Encode, obs: Any) -> np.ndarray:
    return encode(obs[key])


def read_observations(space: gym.Space[Any]) -> tuple[ArraySpec, Encode]:
    """The array an agent sees and the function that makes it; see ``read_spaces``."""
    if isinstance(space, spaces.Box):
        dtype = np.dtype(np.float32) if space.dtype.itemsize > 4 else space.dtype
        return box_spec(space, dtype), partial(np.asarray, dtype=dtype) if dtype.kind == "f" else partial(_whole, dtype)
    if isinstance(space, spaces.Discrete):
        return index_spec(space), partial(_index, int(space.start), int(space.n))
    encode, parts = _flattener(space), tuple(_parts(space))
    if not any(part.dtype == "uint8" and len(part.shape) > 1 for part in parts):
        return ArraySpec((spaces.flatdim(space),), "float32"), encode
    return ArraySpec((spaces.flatdim(space),), "float32", parts=parts), partial(_packed, parts, encode)


def _packed(parts: tuple[Part, ...], encode: Encode, obs: Any) -> np.ndarray:
    return packed(parts, encode(obs))


def _parts(space: gym.Space[Any]) -> Iterator[Part]:
    """What ``spaces.flatten`` joins, in order; categories are ones and zeros."""
    match space:
        case spaces.Dict():
            for part in space.spaces.values():
                yield from _parts(part)
        case spaces.Tuple():
            for part in space.spaces:
                yield from _parts(part)
        case spaces.Box():
            yield Part(space.shape, "uint8" if space.dtype == np.uint8 else "float32", _largest(space))
        case _:
            yield Part((spaces.flatdim(space),), "uint8", 1.0)


def _largest(space: spaces.Box) -> float:
    return float(np.maximum(np.abs(space.low.astype(float)), np.abs(space.high.astype(float))).max(initial=0.0))


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

    Several choices at once (MultiDiscrete, MultiBinary) are numbered: an action is one combination of them; where
    these are more than ``MOST_COMBINATIONS``, it is a number for each choice. With ``choices``, parameterised actions
    become discrete ones: every action with every combination of these values of its parameters.

    Raises:
        UserError: no agent can take such actions, or the choices do not fit them.
    """
    if isinstance(space, spaces.Discrete):
        if choices:
            raise UserError("env.choices picks values of parameters, but these actions are discrete and have none")
        n, dtype, start = int(space.n), space.dtype, space.start
        return DiscreteActions(n), lambda actions: (np.asarray(actions, dtype=dtype) + start)[()]
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        sizes, start = _branches(space)
        if math.prod(sizes) > MOST_COMBINATIONS:
            return BranchedActions(sizes), partial(_shaped, space.shape, start)
        combined = combinations(space)
        return DiscreteActions(len(combined)), partial(_taken, combined)
    hybrid = read_hybrid(space)
    if hybrid is None:
        raise UserError(f"actions {describe(space)} {_advice(space)}")
    if not choices:
        return hybrid.actions, hybrid.decode
    table = hybrid.table(choices)
    return DiscreteActions(len(table)), partial(_looked_up, hybrid, table)


def _looked_up(hybrid: HybridSpace, table: np.ndarray, actions: Any) -> Any:
    """The parameterised actions with these numbers in a table; works on NumPy's and on JAX's arrays."""
    return hybrid.decode(_taken(table, actions))


def _taken(table: np.ndarray, actions: Any) -> Any:
    """The rows of a table with these numbers, each a new array; works on NumPy's and on JAX's arrays."""
    xp: Any = jnp if isinstance(actions, jax.Array) else np
    return xp.take(table, actions, axis=0)


def combinations(space: spaces.MultiDiscrete | spaces.MultiBinary) -> np.ndarray:
    """All actions of a space of several choices at once [n, *space.shape], the last choice changing fastest."""
    sizes, start = _branches(space)
    numbered = np.indices(sizes).reshape(len(sizes), -1).T.reshape(-1, *space.shape)
    return (numbered + start).astype(space.dtype)


def _branches(space: spaces.MultiDiscrete | spaces.MultiBinary) -> tuple[tuple[int, ...], np.ndarray]:
    """How many there are to choose from each time, flat, and the first of each, as the space has it."""
    if isinstance(space, spaces.MultiDiscrete):
        return tuple(map(int, space.nvec.flat)), space.start
    return (2,) * math.prod(space.shape), np.zeros(space.shape, space.dtype)


def _shaped(shape: tuple[int, ...], start: np.ndarray, actions: Any) -> Any:
    """Choices [..., branches] as the environment takes them [..., *shape]; works on NumPy's and on JAX's arrays."""
    numbers = actions.reshape(*actions.shape[:-1], *shape)
    return numbers + (start.astype(np.int32) if isinstance(actions, jax.Array) else start)


def describe(space: gym.Space[Any]) -> str:
    """A space in a few words on one line."""
    if isinstance(space, spaces.Box):
        return f"Box{space.shape} of {space.dtype}"
    return textwrap.shorten(str(space), 120, placeholder=" ...")


def _advice(space: gym.Space[Any]) -> str:
    match space:
        case spaces.Box():
            return "are continuous: no agent here fits; an actor-critic such as SAC does, in another library"
        case _:
            return (
                "fit no agent here: wrap the environment so that its actions are one Discrete space, "
                "or a Tuple of one Discrete and a Box of parameters for each of its actions"
            )


def _flattener(space: gym.Space[Any], entry: str = "") -> Encode:
    """``gymnasium.spaces.flatten`` for one observation or a batch, prepared once: no dispatch or checks per call.

    ``entry`` is where the space stands in that of the observations.
    """
    match space:
        case spaces.Discrete():
            return partial(_one_hot, int(space.n), int(space.start))
        case spaces.MultiDiscrete():
            nvec = space.nvec.ravel().astype(np.uint64)
            return partial(_multi_hot, space.start, nvec, (np.cumsum(nvec) - nvec).astype(np.int64))
        case spaces.Box() | spaces.MultiBinary():
            return partial(_ravel, len(space.shape))
        case spaces.Dict():
            return partial(_joined, [(key, _flattener(part, f"{entry}[{key!r}]")) for key, part in space.items()])
        case spaces.Tuple():
            return partial(_joined, [(i, _flattener(part, f"{entry}[{i}]")) for i, part in enumerate(space)])
        case _:
            raise UserError(_sizeless(space, entry))


def _sizeless(space: gym.Space[Any], entry: str) -> str:
    wrapper = (
        "FilterObservation leaves entries out, TransformObservation makes a Box"
        if entry
        else ("TransformObservation makes a Box of them")
    )
    return (
        f"observations{f', entry {entry},' if entry else ''} {describe(space)} have no fixed size as numbers: no agent "
        f"here fits; gymnasium.wrappers.{wrapper}"
    )


def _whole(dtype: np.dtype[Any], obs: Any) -> np.ndarray:
    """Whole numbers as ``dtype``; where they come as another type, nothing may be lost."""
    array = np.asarray(obs)
    if array.dtype == dtype:
        return array
    with np.errstate(invalid="ignore"):
        cast = array.astype(dtype)
    if not np.array_equal(cast, array):
        raise UserError(f"an observation holds what {dtype}, the type of its space, does not: {_excerpt(obs)}")
    return cast


def _index(start: int, n: int, obs: Any) -> np.ndarray:
    """A state's number 0 .. n-1, or a batch of them."""
    if isinstance(obs, WHOLE):  # one number, ten times as fast as an array
        number = int(obs) - start
        if 0 <= number < n:
            return np.array(number, np.int32)
    index = np.asarray(obs) - start
    if index.dtype.kind not in "iu" or _outside(index, n):
        raise UserError(f"an observation is {_excerpt(obs)}, which is none of {start} .. {start + n - 1}")
    return index.astype(np.int32)


def _outside(index: np.ndarray, n: Any) -> bool:
    """Whether any index is none of 0 .. n-1: as a number without a sign, one below 0 is large."""
    return bool((index.astype(np.uint64) >= n).any())


def _one_hot(n: int, start: int, obs: Any) -> np.ndarray:
    index = _index(start, n, obs)
    one_hot = np.zeros((*index.shape, n), np.float32)
    one_hot.reshape(-1, n)[np.arange(index.size), index.ravel()] = 1.0
    return one_hot


def _multi_hot(start: np.ndarray, nvec: np.ndarray, offsets: np.ndarray, obs: Any) -> np.ndarray:
    index = _batched(np.asarray(obs) - start, start.ndim)
    if index.dtype.kind not in "iu" or _outside(index, nvec):
        raise UserError(f"an observation is {_excerpt(obs)}, which is outside of its MultiDiscrete space")
    out = np.zeros((*index.shape[:-1], int(nvec.sum())), np.float32)
    np.put_along_axis(out, index + offsets, 1.0, axis=-1)
    return out


def _excerpt(obs: Any) -> str:
    return textwrap.shorten(str(obs), 80, placeholder=" ...")


def _ravel(ndim: int, obs: Any) -> np.ndarray:
    return _batched(np.asarray(obs, np.float32), ndim)


def _batched(array: np.ndarray, ndim: int) -> np.ndarray:
    """The last ``ndim`` axes as one; the others, if any, are the batch's."""
    return array.reshape(*array.shape[: array.ndim - ndim], -1)


def _joined(parts: list[tuple[Any, Encode]], obs: Any) -> np.ndarray:
    return np.concatenate([encode(obs[key]) for key, encode in parts], axis=-1)
