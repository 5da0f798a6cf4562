"""What an agent must know of an environment: the arrays it observes, and the actions it may take."""

import dataclasses
import math
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.types import FORBIDDEN, Array


@dataclasses.dataclass(frozen=True)
class Part:
    """One of several arrays that an observation is made of.

    Attributes:
        shape: Its shape.
        dtype: The dtype in which nothing of it is lost.
        largest: The greatest absolute value, where known; else 0.
    """

    shape: tuple[int, ...]
    dtype: str
    largest: float = dataclasses.field(default=0.0, compare=False)

    @property
    def entries(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes these are."""
        return self.entries * np.dtype(self.dtype).itemsize


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """One array, and what it can hold.

    Attributes:
        shape: Its shape.
        dtype: The name of its dtype.
        low: Least value of each entry, flat; empty: not known.
        high: Greatest value of each entry, flat; empty: not known.
        categories: Not 0 where it is an index 0 .. categories - 1 without any order, such as a state's number.
        frames: Not 0 where it is a stack of so many along the first axis, see ``lanes.frames.FrameStack``.
        parts: Of a flat float32 array that holds pictures beside other things; empty for any other.
    """

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    high: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    categories: int = 0
    frames: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def packed(self) -> "ArraySpec":
        """How it is kept: bytes where it has parts, so that pictures take no more than they need; else as it is."""
        return ArraySpec((sum(part.bytes for part in self.parts),), "uint8") if self.parts else self


def packed(parts: tuple[Part, ...], flat: np.ndarray) -> np.ndarray:
    """Parts end to end [..., entries] as bytes [..., bytes]."""
    ends = np.cumsum([part.entries for part in parts])[:-1]
    pieces = zip(parts, np.split(flat, ends, axis=-1), strict=True)
    return np.concatenate([np.ascontiguousarray(own, part.dtype).view(np.uint8) for part, own in pieces], axis=-1)


def unpacked(parts: tuple[Part, ...], stored: Array) -> Array:
    """Bytes [..., bytes] as float32, parts end to end [..., entries]; NumPy's arrays give NumPy's, and JAX's JAX's."""
    xp: Any = np if isinstance(stored, np.ndarray) else jnp
    ends = np.cumsum([part.bytes for part in parts])[:-1]
    pieces = zip(parts, xp.split(stored, ends, axis=-1), strict=True)
    return xp.concatenate([_numbers(part, own) for part, own in pieces], axis=-1)


def _numbers(part: Part, stored: Array) -> Array:
    if part.dtype == "uint8":
        return stored.astype(np.float32)
    if isinstance(stored, np.ndarray):
        return np.ascontiguousarray(stored).view(np.float32)
    return jax.lax.bitcast_convert_type(stored.reshape(*stored.shape[:-1], part.entries, 4), jnp.float32)


@dataclasses.dataclass(frozen=True)
class DiscreteActions:
    """Actions 0 .. n-1. Adaptors translate them to the environment's own format.

    Attributes:
        n: How many there are.
    """

    n: int

    @property
    def spec(self) -> ArraySpec:
        """An int32 []."""
        return ArraySpec((), "int32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions [count]."""
        return generator.integers(self.n, size=count, dtype=np.int32)


@dataclasses.dataclass(frozen=True)
class HybridActions:
    """Actions of which each has parameters of its own (Masson et al. 2016).

    One action is one float32 array [1 + parameters]: the number of the chosen action, then the parameters of all
    actions one after the other, each scaled to [-1, 1]. Adaptors translate it to the environment's own format.

    Attributes:
        sizes: How many parameters each action has.
    """

    sizes: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many actions there are."""
        return len(self.sizes)

    @property
    def parameters(self) -> int:
        """How many parameters all actions have together."""
        return sum(self.sizes)

    @property
    def spec(self) -> ArraySpec:
        """A float32 array [1 + parameters]."""
        return ArraySpec((1 + self.parameters,), "float32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions with uniformly random parameters [count, 1 + parameters]."""
        chosen = generator.integers(self.n, size=(count, 1))
        return np.hstack([chosen, generator.uniform(-1, 1, (count, self.parameters))]).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class BranchedActions:
    """Several choices at once: one action is one int32 array [branches], in each branch a number from 0 on.

    Attributes:
        sizes: How many there are to choose from in each branch.
    """

    sizes: tuple[int, ...]

    @property
    def n(self) -> int:
        """How many combinations there are."""
        return math.prod(self.sizes)

    @property
    def spec(self) -> ArraySpec:
        """An int32 array [branches]."""
        return ArraySpec((len(self.sizes),), "int32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions [count, branches]."""
        return generator.integers(self.sizes, size=(count, len(self.sizes)), dtype=np.int32)


Actions: TypeAlias = DiscreteActions | HybridActions | BranchedActions


@dataclasses.dataclass(frozen=True)
class Legal:
    """How a row's array is read: which actions are allowed, by its last entries, 1 for allowed, and what is observed.

    Arrays are of NumPy or JAX, and so are results.

    Attributes:
        actions: How many entries; 0: none, and all actions are always allowed.
        shape: Of the observation alone, as it is kept.
        parts: Of the observation, where it is kept as bytes.
    """

    actions: int = 0
    shape: tuple[int, ...] = ()
    parts: tuple[Part, ...] = ()

    def seen(self, obs: Array) -> Array:
        """Arrays [..., entries] -> the observations alone [..., *shape]."""
        alone = obs[..., : -self.actions].reshape(*obs.shape[:-1], *self.shape) if self.actions else obs
        return unpacked(self.parts, alone) if self.parts else alone

    def allowed(self, obs: Array) -> Array:
        """Arrays [..., entries] -> whether each action is allowed, bool [..., actions]."""
        return obs[..., -self.actions :] != 0

    def masked(self, q: Array, obs: Array) -> Array:
        """Action values [actions] for one array [entries], with ``FORBIDDEN`` for those that are not allowed."""
        return jnp.where(self.allowed(obs), q, FORBIDDEN) if self.actions else q


@dataclasses.dataclass(frozen=True)
class Spaces:
    """What an agent must know of an environment: what it observes and the actions it may take.

    Attributes:
        observation: The observation alone, which networks see.
        action: The actions.
        masked: Whether the environment tells with each observation which actions are allowed.
    """

    observation: ArraySpec
    action: Actions
    masked: bool = False

    @property
    def legal(self) -> Legal:
        """How the arrays of ``stored`` are read."""
        parts = self.observation.parts
        return Legal(self.action.n, self.observation.packed.shape, parts) if self.masked else Legal(parts=parts)

    @property
    def stored(self) -> ArraySpec:
        """The array that rows hold: the observation; where actions are masked, flat, with the mask at its end."""
        spec, none = self.observation.packed, (0.0,) * self.action.n
        if not self.masked:
            return spec
        low, high = (bound and bound + end for bound, end in ((spec.low, none), (spec.high, (1.0,) * self.action.n)))
        return ArraySpec((math.prod(spec.shape) + self.action.n,), spec.dtype, low, high, spec.categories)

    def random(self, generator: np.random.Generator, obs: np.ndarray) -> np.ndarray:
        """Uniformly random actions [lanes] among those allowed at ``obs`` [lanes, ...]."""
        if not self.masked:
            return self.action.random(generator, len(obs))
        return np.array([generator.choice(np.flatnonzero(own)) for own in self.legal.allowed(obs)], np.int32)
