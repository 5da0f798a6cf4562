"""Behaviour policies made from action values. Randomness is drawn for many steps at once and handed in."""

import jax
import jax.numpy as jnp

from argmaxq.components.component import component
from argmaxq.learning.schedules import Linear, Probability
from argmaxq.roles import Exploration
from argmaxq.types import Array, Clock, Metrics


@component(Exploration)
class Greedy:
    """The action of highest value, always."""

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> Array:
        """Nothing is random here."""
        return ()

    def choose(self, q: Array, clock: Clock, noise: Array) -> Array:
        """The action of highest value among q [actions]; the first of equals."""
        return jnp.argmax(q).astype(jnp.int32)

    def choose_allowed(self, q: Array, allowed: Array, clock: Clock, noise: Array) -> Array:
        """As ``choose``: what is not allowed has no value."""
        return self.choose(q, clock, noise)

    def explores(self, clock: Clock, noise: Array) -> Array:
        """Never."""
        return jnp.bool_(False)

    def probabilities(self, q: Array, clock: Clock) -> Array:
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
    """

    epsilon: Probability = Linear(1.0, 0.05, 0.1, per="run")

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """A uniform number in [0, 1) (explore?) and 32 random bits (which action?) for each choice."""
        bits = jax.random.bits(key, (2, *shape))
        return (bits[0] >> 8).astype(jnp.float32) * 2.0**-24, bits[1]

    def choose(self, q: Array, clock: Clock, noise: tuple[Array, Array]) -> Array:
        """An action for values q [actions]."""
        random_choice = jnp.arange(q.shape[0]) == (noise[1] % q.shape[0]).astype(jnp.int32)
        # One argmax for both cases: a select after it would be a kernel more, and acting is the host's hot path.
        preference = jnp.where(self.explores(clock, noise), random_choice.astype(q.dtype), q)
        return jnp.argmax(preference).astype(jnp.int32)

    def choose_allowed(self, q: Array, allowed: Array, clock: Clock, noise: tuple[Array, Array]) -> Array:
        """An action among those ``allowed`` (bool [actions]), for values q [actions]."""
        drawn = (noise[1] % jnp.sum(allowed, dtype=jnp.uint32)).astype(jnp.int32)
        random_choice = allowed & (jnp.cumsum(allowed) - 1 == drawn)
        preference = jnp.where(self.explores(clock, noise), random_choice.astype(q.dtype), q)
        return jnp.argmax(preference).astype(jnp.int32)

    def explores(self, clock: Clock, noise: tuple[Array, Array]) -> Array:
        """Whether the choice made with this noise is random."""
        return noise[0] < self.epsilon(clock)

    def probabilities(self, q: Array, clock: Clock) -> Array:
        """The probability of each action [actions]."""
        greedy = (jnp.arange(q.shape[0]) == jnp.argmax(q)).astype(q.dtype)
        epsilon = jnp.clip(self.epsilon(clock), 0.0, 1.0)
        return epsilon / q.shape[0] + (1.0 - epsilon) * greedy

    def probabilities_allowed(self, q: Array, allowed: Array, clock: Clock) -> Array:
        """The probability of each action [actions], where only those ``allowed`` are taken."""
        greedy = (jnp.arange(q.shape[0]) == jnp.argmax(q)).astype(q.dtype)
        epsilon = jnp.clip(self.epsilon(clock), 0.0, 1.0)
        return jnp.where(allowed, epsilon / jnp.sum(allowed), 0.0) + (1.0 - epsilon) * greedy

    def report(self, clock: Clock) -> Metrics:
        """The present epsilon."""
        return {"epsilon": self.epsilon(clock)}
