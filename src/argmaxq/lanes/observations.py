"""Reading an observation space: the array that an agent sees of it, and the translation of observations."""

import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.lanes.frames import FrameStack
from argmaxq.spaces import ArraySpec, Part, packed

Encode = Callable[[Any], np.ndarray]
WHOLE = (int, np.integer)


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
    frames = space.frames if isinstance(space, FrameStack) else 0
    return ArraySpec(space.shape, dtype.name, _flat(space.low), _flat(space.high), frames=frames)


def _flat(bound: np.ndarray) -> tuple[float, ...]:
    """A bound of each entry; one number many times where all are the same, as those of pictures are."""
    values = bound.ravel()
    same = values.size and (values == values[0]).all()
    return (float(values[0]),) * values.size if same else tuple(map(float, values))


def index_spec(space: spaces.Discrete) -> ArraySpec:
    """A Discrete space as an index 0 .. n-1."""
    return ArraySpec((), "int32", categories=int(space.n))


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


def describe(space: gym.Space[Any]) -> str:
    """A space in a few words on one line."""
    if isinstance(space, spaces.Box):
        return f"Box{space.shape} of {space.dtype}"
    return textwrap.shorten(str(space), 120, placeholder=" ...")
