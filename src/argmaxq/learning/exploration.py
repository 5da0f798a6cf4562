"""Behaviour policies made from action values. Randomness is drawn for many steps at once and handed in."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from argmaxq.components.component import component
from argmaxq.learning.schedules import Linear, Probability
from argmaxq.roles import Exploration
from argmaxq.types import Array, Clock, Metrics


@component(Exploration)
class Greedy:
    """The action of highest value, always.

    Examples:
        >>> int(Greedy().choose(jnp.array([1.0, 3.0, 2.0]), aq.Clock(), ()))
        1
    """

    masking: ClassVar[bool] = True

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> Array:
        """Nothing is random here, whatever the shape: ``()`` for [*shape]."""
        return ()

    def choose(self, q: Array, clock: Clock, noise: Array, allowed: Array | None = None) -> Array:
        """The action of highest value among q [actions]; the first of equals."""
        return jnp.argmax(q).astype(jnp.int32)

    def explores(self, clock: Clock, noise: Array) -> Array:
        """Never: False, []."""
        return jnp.bool_(False)

    def probabilities(self, q: Array, clock: Clock, allowed: Array | None = None) -> Array:
        """1 for the action of highest value, 0 for others, [actions]."""
        return (jnp.arange(q.shape[0]) == jnp.argmax(q)).astype(q.dtype)

    def report(self, clock: Clock) -> Metrics:
        """Nothing to show."""
        return {}


@component(Exploration)
class EpsilonGreedy:
    """With probability epsilon a uniformly random action, otherwise the action of highest value.

    Attributes:
        epsilon: The probability of a random action.

    Examples:
        >>> behaviour = EpsilonGreedy(aq.schedules.Constant(0.5))
        >>> behaviour.probabilities(jnp.array([1.0, 3.0, 2.0, 0.0]), aq.Clock()).tolist()
        [0.125, 0.625, 0.125, 0.125]
    """

    masking: ClassVar[bool] = True
    epsilon: Probability = Linear(1.0, 0.05, 0.1, per="run")

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """For each choice a uniform number in [0, 1) (explore?) and 32 random bits (which action?), both [*shape]."""
        bits = jax.random.bits(key, (2, *shape))
        return (bits[0] >> 8).astype(jnp.float32) * 2.0**-24, bits[1]

    def choose(self, q: Array, clock: Clock, noise: tuple[Array, Array], allowed: Array | None = None) -> Array:
        """An action for values q [actions], among those ``allowed`` (bool [actions]) where that is given."""
        random_choice = _drawn(noise[1], q.shape[0], allowed)
        # One argmax for both cases: a select after it would be a kernel more, and acting is the host's hot path.
        preference = jnp.where(self.explores(clock, noise), random_choice.astype(q.dtype), q)
        return jnp.argmax(preference).astype(jnp.int32)

    def explores(self, clock: Clock, noise: tuple[Array, Array]) -> Array:
        """Whether the choice made with this noise is random, bool []."""
        return noise[0] < self.epsilon(clock)

    def probabilities(self, q: Array, clock: Clock, allowed: Array | None = None) -> Array:
        """The probability of each action [actions], where only those ``allowed`` are taken."""
        greedy = (jnp.arange(q.shape[0]) == jnp.argmax(q)).astype(q.dtype)
        epsilon = jnp.clip(self.epsilon(clock), 0.0, 1.0)
        share = epsilon / q.shape[0] if allowed is None else jnp.where(allowed, epsilon / jnp.sum(allowed), 0.0)
        return share + (1.0 - epsilon) * greedy

    def report(self, clock: Clock) -> Metrics:
        """The present epsilon."""
        return {"epsilon": self.epsilon(clock)}


def _drawn(bits: Array, actions: int, allowed: Array | None) -> Array:
    """Which action random bits mean, true in one place of [actions]: any of them, or any of those ``allowed``."""
    if allowed is None:
        return jnp.arange(actions) == (bits % actions).astype(jnp.int32)
    number = (bits % jnp.sum(allowed, dtype=jnp.uint32)).astype(jnp.int32)
    return allowed & (jnp.cumsum(allowed) - 1 == number)
