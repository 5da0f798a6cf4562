"""Running moments, and scales of observations and rewards made of them, row by row for agents without a replay."""

import dataclasses
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


class Normaliser(Protocol):
    """Rescales what a network sees and learns from; its state is part of what acting needs."""

    def init(self, obs: Array) -> PyTree:
        """Its state for observations like ``obs`` [...]."""

    def see(self, state: PyTree, obs: Array, reward: Array, over: Array, gamma: Array) -> PyTree:
        """The state after one row's observation [...] and reward []; ``over`` [] where the episode's end follows it."""

    def observation(self, state: PyTree, obs: Array) -> Array:
        """An observation [...], rescaled."""

    def reward(self, state: PyTree, reward: Array) -> Array:
        """A reward [], rescaled."""


@component(Normaliser)
class Unscaled:
    """Everything as it is."""

    def init(self, obs: Array) -> PyTree:
        """Nothing is remembered of observations [...]."""
        return ()

    def see(self, state: PyTree, obs: Array, reward: Array, over: Array, gamma: Array) -> PyTree:
        """Nothing changes with an observation [...] and its reward []."""
        return state

    def observation(self, state: PyTree, obs: Array) -> Array:
        """The observation [...] itself."""
        return obs

    def reward(self, state: PyTree, reward: Array) -> Array:
        """The reward [] itself."""
        return reward


MEMORY = 2**20
"""Samples after which those so far count half; and so again each time that the count comes to as many.

In float32 a count ends at 2^24, and long before that a sum of squares takes up samples in ever coarser steps.
"""


class Moments(NamedTuple):
    """Mean and spread of samples [...] so far (Welford 1962).

    Whenever they are ``MEMORY``, what was counted is halved, which is exact, so that no number outgrows float32.

    Attributes:
        count: How many samples there were, [].
        mean: Their mean, [...].
        squares: The sum of squared distances from it, [...].

    Examples:
        >>> seen = no_samples().add(jnp.float32(2.0)).add(jnp.float32(4.0))
        >>> float(seen.mean), float(seen.squares)
        (3.0, 2.0)
    """

    count: Array
    mean: Array
    squares: Array

    def add(self, sample: Array) -> "Moments":
        """With one sample [...] more."""
        count = self.count + 1.0
        mean = self.mean + (sample - self.mean) / count
        squares = self.squares + (sample - self.mean) * (sample - mean)
        kept = jnp.where(count < MEMORY, 1.0, 0.5)
        return Moments(kept * count, mean, kept * squares)

    def scaled(self, sample: Array) -> Array:
        """A sample [...] less the mean, in deviations."""
        return (sample - self.mean) / self.deviation

    def merged(self, samples: Array, counted: Array | None = None) -> "Moments":
        """With all of ``samples`` [n, ...] at once, or those of them that are ``counted`` [n] (Chan et al. 1979)."""
        each = jnp.ones(samples.shape[0]) if counted is None else counted.astype(jnp.float32)
        number = jnp.sum(each)
        weight = each.reshape(-1, *[1] * (samples.ndim - 1))
        centre = jnp.sum(weight * samples, axis=0) / jnp.maximum(number, 1.0)
        squares = jnp.sum(weight * jnp.square(samples - centre), axis=0)
        count, away = self.count + number, centre - self.mean
        share = number / jnp.maximum(count, 1.0)
        kept = jnp.where(count < MEMORY, 1.0, 0.5)
        mean, squares = self.mean + share * away, self.squares + squares + jnp.square(away) * self.count * share
        return Moments(kept * count, mean, kept * squares)

    @property
    def deviation(self) -> Array:
        """Standard deviation [...]; 1 before the second sample."""
        return jnp.where(self.count < 2.0, 1.0, jnp.sqrt(self.squares / jnp.maximum(self.count - 1.0, 1.0) + 1e-8))


def no_samples(shape: tuple[int, ...] = ()) -> Moments:
    """The moments of arrays of this shape, before the first."""
    nothing = jnp.zeros(shape, jnp.float32)
    return Moments(jnp.float32(0), nothing, nothing)


def seen(params: PyTree, obs: Array) -> PyTree:
    """Parameters, of any network or of several, whose running moments have taken up observations [..., *shape].

    Args:
        params: Whatever moments are among them are of flat observations, or a stack of such.
        obs: At least one; leading axes are those of ``Row.obs``, [k, lanes].
    """

    def taken(node: Any) -> Any:
        if not isinstance(node, Moments):
            return node
        samples = jnp.asarray(obs, jnp.float32).reshape(-1, node.mean.shape[-1])
        merge: Any = Moments.merged
        for _ in node.mean.shape[:-1]:
            merge = jax.vmap(merge, (0, None))
        return merge(node, samples)

    return jax.tree.map(taken, params, is_leaf=_is_moments)


def scaled_as(params: PyTree, other: PyTree) -> PyTree:
    """``params`` with the running moments of ``other``, a tree of the same structure."""
    return jax.tree.map(
        lambda own, theirs: theirs if isinstance(own, Moments) else own, params, other, is_leaf=_is_moments
    )


def _is_moments(node: Any) -> bool:
    return isinstance(node, Moments)


class RunningState(NamedTuple):
    """What ``Running`` has seen.

    Attributes:
        observations: Moments of observations [...].
        returns: Moments of discounted sums of rewards.
        sum: The present sum, [].
    """

    observations: Moments
    returns: Moments
    sum: Array


@component(Normaliser)
class Running:
    """Observations with mean 0 and deviation 1, rewards divided by the deviation of their discounted sums.

    Both as seen so far (Elsayed et al. 2024, algorithms 4 to 6). Whole numbers in a Box are numbers like any others;
    only the number of a category has no scale.

    Attributes:
        categories: How many categories an observation is one of; none: the environment's own, or it is none.
    """

    categories: Size | None = None

    def bind(self, spaces: Spaces) -> "Running":
        """With the environment's number of categories where none is given."""
        return dataclasses.replace(self, categories=self.categories or spaces.observation.categories or None)

    def init(self, obs: Array) -> Any:
        """No samples yet, of observations like ``obs`` [...]."""
        return RunningState(no_samples(jnp.shape(obs)), no_samples(), jnp.float32(0))

    def see(self, state: Any, obs: Array, reward: Array, over: Array, gamma: Array) -> Any:
        """With an observation [...] and a discounted sum of rewards [] more; the sum begins anew after an episode."""
        total = reward + gamma * state.sum
        seen = state.observations.add(jnp.asarray(obs, jnp.float32))
        return RunningState(seen, state.returns.add(total), jnp.where(over, 0.0, total))

    def observation(self, state: Any, obs: Array) -> Array:
        """An observation [...] less the mean, in deviations; an index as it is."""
        if self.categories:
            return obs
        return state.observations.scaled(jnp.asarray(obs, jnp.float32))

    def reward(self, state: Any, reward: Array) -> Array:
        """A reward [] as a share of the returns' standard deviation."""
        return reward / state.returns.deviation


def unless(skipped: Array, new: PyTree, old: PyTree) -> PyTree:
    """``new``, or ``old`` where ``skipped``, bool []."""
    return jax.tree.map(lambda after, before: jnp.where(skipped, before, after), new, old)
