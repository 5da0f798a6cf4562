"""Parameterised actions: reading such spaces, and the translation of an agent's arrays to the environment's format."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.spaces import HybridActions
from argmaxq.types import Array

Choices: TypeAlias = tuple[tuple[float, ...], ...]
"""For each action the values that each of its parameters may take, in the environment's units."""

LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True, eq=False)
class HybridSpace:
    """A space of actions with parameters, however the environment writes it down.

    Attributes:
        boxes: The parameters of each action; a shared Box stands here once for each.
        assemble: (number, parameters of each action) -> an action as the environment takes it.
        description: How the space was read, in a few words.
    """

    boxes: tuple[spaces.Box, ...]
    assemble: Callable[[Any, tuple[Any, ...]], Any]
    description: str

    @property
    def actions(self) -> HybridActions:
        """The actions as agents see them."""
        return HybridActions(tuple(math.prod(box.shape) for box in self.boxes))

    def decode(self, actions: Array) -> Any:
        """The environment's own actions from arrays [..., 1 + parameters] of NumPy or JAX; parameters are clipped."""
        xp: Any = np if isinstance(actions, np.ndarray) else jnp
        ends = np.cumsum(self.actions.sizes)[:-1].tolist()
        parts = xp.split(self.parameters(actions), ends, axis=-1)
        leading = actions.shape[:-1]
        paired = zip(parts, self.boxes, strict=True)
        shaped = [_cast(xp, part.reshape(leading + box.shape), box) for part, box in paired]
        number = actions[..., 0].astype(np.int64 if xp is np else np.int32)
        return self.assemble(number, tuple(shaped))

    def parameters(self, actions: Array) -> Array:
        """The parameters [..., parameters] of actions [..., 1 + parameters] in the environment's units, clipped."""
        xp: Any = np if isinstance(actions, np.ndarray) else jnp
        low, high = bounds(self.boxes)
        share = (xp.clip(actions[..., 1:], -1, 1) + 1) / 2
        # Both bounds weighted, rather than the range added to the lower one: so each is reached exactly.
        return xp.clip(low * (1 - share) + high * share, low, high)

    def table(self, choices: Choices) -> np.ndarray:
        """The actions [n, 1 + parameters] whose chosen parameters take every combination of given values.

        Raises:
            UserError: the values do not fit the actions, or lie outside of their bounds.
        """
        sizes = self.actions.sizes
        if len(choices) != len(sizes) or any(size and not own for size, own in zip(sizes, choices, strict=False)):
            raise UserError(f"env.choices has values for {len(choices)} actions; needed: some for each of {len(sizes)}")
        low, high = bounds(self.boxes)
        span = np.where(high > low, high - low, 1)
        rows = []
        start = 0
        for number, (size, values) in enumerate(zip(sizes, choices, strict=True)):
            own = slice(start, start + size)
            for combination in itertools.product(values, repeat=size):
                raw = np.array(combination, np.float32)
                if ((raw < low[own]) | (raw > high[own])).any():
                    raise UserError(
                        f"env.choices = {values} for action {number}: they must lie within "
                        f"{low[own].tolist()} and {high[own].tolist()}"
                    )
                row = np.zeros(1 + sum(sizes), np.float32)
                row[0] = number
                row[1:][own] = 2 * (raw - low[own]) / span[own] - 1
                rows.append(row)
            start += size
        return np.array(rows)


def bounds(boxes: Sequence[spaces.Box]) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest value of every parameter, flat: float32 [parameters] each."""
    low = np.concatenate([np.zeros(0), *(box.low.ravel() for box in boxes)])
    high = np.concatenate([np.zeros(0), *(box.high.ravel() for box in boxes)])
    return low.astype(np.float32), high.astype(np.float32)


def read_hybrid(space: spaces.Space[Any]) -> HybridSpace | None:
    """A Tuple or Dict of one Discrete and Boxes as a space of parameterised actions; None where it is none.

    The Boxes stand in a Tuple or Dict of their own, or beside the Discrete: one for each action, in order, or one Box
    that all actions share. They may have any shape, also none or no entry.

    Raises:
        UserError: the number of Boxes does not fit, or one has no finite bounds in float32.
    """
    members = _members(space)
    discretes = [key for key, part in members if isinstance(part, spaces.Discrete)]
    if len(discretes) != 1 or len(members) < 2:
        return None
    number = discretes[0]
    inner = [(key, part) for key, part in members if key != number]
    nested = len(inner) == 1 and isinstance(inner[0][1], spaces.Tuple | spaces.Dict)
    listed = _members(inner[0][1]) if nested else inner
    if not listed or not all(isinstance(part, spaces.Box) for _, part in listed):
        return None
    discrete: Any = dict(members)[number]
    boxes: tuple[Any, ...] = tuple(part for _, part in listed)
    shared = not nested and len(boxes) == 1
    _require(int(discrete.n), boxes, shared)
    start = int(discrete.start)
    keys = [key for key, _ in listed]
    inside: Any = inner[0][1] if nested else None

    def assemble(index: Any, parameters: tuple[Any, ...]) -> Any:
        if shared:
            own: Any = {keys[0]: _chosen(index, parameters)}
        else:
            own = dict(zip(keys, parameters, strict=True))
        if nested:
            own = {inner[0][0]: _pack(inside, own)}
        return _pack(space, {number: (index + start)[()], **own})

    kind = "parameters that all share" if shared else "parameters of their own"
    sizes = tuple(math.prod(box.shape) for box in boxes)
    described = f"{int(discrete.n)} actions with {kind}: {', '.join(map(str, sizes))}"
    return HybridSpace(boxes * int(discrete.n) if shared else boxes, assemble, described)


def _cast(xp: Any, values: Any, box: spaces.Box) -> Any:
    """Parameters in their Box's dtype, whole numbers rounded."""
    rounded = xp.rint(values) if np.issubdtype(box.dtype, np.integer) else values
    if xp is jnp:
        return rounded.astype(jax.dtypes.canonicalize_dtype(box.dtype))
    # In double precision, for a bound may lie between two float32 numbers.
    return np.asarray(np.clip(np.asarray(rounded, np.float64), box.low, box.high)).astype(box.dtype)


def _members(space: Any) -> list[tuple[Any, spaces.Space[Any]]]:
    match space:
        case spaces.Tuple():
            return list(enumerate(space.spaces))
        case spaces.Dict():
            return list(space.spaces.items())
        case _:
            return []


def _pack(space: Any, own: dict[Any, Any]) -> Any:
    """The members again in the form of the space they came from."""
    return own if isinstance(space, spaces.Dict) else tuple(own[key] for key in range(len(own)))


def _chosen(index: Any, parameters: tuple[Any, ...]) -> Any:
    """The chosen action's parameters, of arrays [...] and index [...] with the same leading axes."""
    xp: Any = np if isinstance(index, np.ndarray | np.generic) else jnp
    stacked = xp.stack(parameters, axis=np.ndim(index))
    place = index.reshape(index.shape + (1,) * (stacked.ndim - index.ndim))
    return xp.take_along_axis(stacked, place, axis=index.ndim).squeeze(index.ndim)


def _require(n: int, boxes: tuple[Any, ...], shared: bool) -> None:
    if not shared and len(boxes) != n:
        raise UserError(f"{n} actions have {len(boxes)} Boxes of parameters: one for each action, or one in all, fits")
    for action, box in enumerate(boxes):
        if not (box.is_bounded() and (np.abs([box.low, box.high]) <= LARGEST).all()):
            owner = "that all actions share" if shared else f"of action {action}"
            raise UserError(
                f"the parameters {owner}, a Box{box.shape}, have no finite bounds in float32: give them some, "
                "for parameters are scaled"
            )
