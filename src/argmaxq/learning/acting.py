"""How agents act that learn one value for each action."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.types import Array, Clock, PyTree, Spaces


class Acting:
    """Exploring and greedy actions from ``network``, ``returns`` and ``exploration``, whatever teaches the network."""

    network: Any
    returns: Any
    exploration: Any

    def actor(self, spaces: Spaces) -> PyTree:
        """Acting has no state of its own."""
        return ()

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> PyTree:
        """Exploration's random numbers, leading axes ``shape``."""
        return self.exploration.noise(key, shape)

    def values(self, params: PyTree, obs: Array) -> Array:
        """Action values [actions] of one observation."""
        return self.returns.mean(self.network(params, obs))

    def act(self, params: PyTree, actor: PyTree, obs: Array, clock: Clock, noise: PyTree) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane."""
        return self.exploration.choose(self.values(params, obs), clock, noise), actor

    def greedy(self, params: PyTree, obs: Array) -> Array:
        """The action of highest value for one observation."""
        return jnp.argmax(self.values(params, obs)).astype(jnp.int32)
