"""What is done to an observation before the first layer sees it."""

import dataclasses
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import Positive, Size
from argmaxq.components.component import component
from argmaxq.learning.normalisers import no_samples
from argmaxq.spaces import Spaces
from argmaxq.types import Array

UNBOUNDED = 1e30
"""Bounds beyond it are none: some environments write the largest float32 for infinity."""


class Inputs(Protocol):
    """A map on flat observations."""

    def __call__(self, obs: Array) -> Array:
        """Flat observation [n] of float32 -> [m]; called inside a Linen module's compact method."""


@component(Inputs)
class Raw:
    """Observations as they are."""

    def __call__(self, obs: Array) -> Array:
        """The observation [n] itself."""
        return obs


@component(Inputs)
class OneHot:
    """The number of a category as a vector of zeros with a one; chosen by itself for Discrete observations.

    Attributes:
        categories: How many there are; none: the environment's own.

    Examples:
        >>> OneHot(3)(jnp.int32(1)).tolist()
        [0.0, 1.0, 0.0]
    """

    categories: Size | None = None

    def bind(self, spaces: Spaces) -> "OneHot":
        """With the environment's number of categories where none is given."""
        return dataclasses.replace(self, categories=self.categories or spaces.observation.categories or None)

    def __call__(self, obs: Array) -> Array:
        """An index [1] -> [categories]."""
        return jax.nn.one_hot(jnp.asarray(obs, jnp.int32).reshape(()), self.categories or 1)


@component(Inputs)
class Rescaled:
    """Entries with finite bounds are mapped to [-1, 1]; others stay as they are.

    Where one entry's range is a twentieth of another's, as MountainCar's velocity, a network hardly sees it otherwise.

    Attributes:
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Rescaled(low=(0.0,), high=(2.0,))(jnp.array([0.5])).tolist()
        [-0.5]
    """

    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def bind(self, spaces: Spaces) -> "Rescaled":
        """With the environment's bounds where none are given."""
        low, high = self.low or spaces.observation.low, self.high or spaces.observation.high
        return dataclasses.replace(self, low=low, high=high)

    def scales(self, entries: int) -> tuple[np.ndarray, np.ndarray]:
        """The middle of each entry's range and what its distance from there is multiplied by, float32 [entries]."""
        low, high = (np.array(bound or [np.inf] * entries, np.float32) for bound in (self.low, self.high))
        known = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED) & (low < high)
        middle = np.where(known, (np.where(known, low, 0) + np.where(known, high, 0)) / 2, 0.0)
        half = np.where(known, (np.where(known, high, 1) - np.where(known, low, 0)) / 2, 1.0)
        return middle.astype(np.float32), (1.0 / half).astype(np.float32)

    def __call__(self, obs: Array) -> Array:
        """An observation [n], each entry by its own bounds."""
        middle, factor = self.scales(obs.shape[0])
        return (obs - middle) * factor


class _Moments(nn.Module):
    """Running moments of observations, which stand among the parameters and are no gradient's to move."""

    @nn.compact
    def __call__(self, obs: Array) -> Array:
        moments = self.param("moments", lambda key: no_samples(obs.shape))
        return jax.lax.stop_gradient(moments).scaled(obs)


@component(Inputs)
class Running:
    """Mean 0 and deviation 1 of each entry, as seen in training so far, for entries of unknown size.

    The moments are saved with the network and change in training alone, where each row is taken up once. A target
    network sees what the online one sees.

    Attributes:
        clip: No entry is further from 0 than this: the first rows show little of what is to come.
    """

    clip: Positive = 10.0

    def __call__(self, obs: Array) -> Array:
        """An observation [n], less the mean and in deviations, within ``clip`` of 0."""
        scaled: Array = _Moments(name="scales")(obs)
        return jnp.clip(scaled, -self.clip, self.clip)
