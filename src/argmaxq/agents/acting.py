"""How agents act that learn one value for each action."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.errors import UserError
from argmaxq.types import Array, Clock, DiscreteActions, Estimate, PyTree, Spaces


def discrete(spaces: Spaces) -> DiscreteActions:
    """The actions, for an agent that needs discrete ones; raises UserError where they have parameters."""
    if not isinstance(spaces.action, DiscreteActions):
        advice = "use an agent such as pdqn, or make them discrete by env.choices, values for each action's parameters"
        raise UserError(f"these actions have parameters, which this agent cannot choose: {advice}")
    return spaces.action


class Acting:
    """Exploring and greedy actions from ``network``, ``returns`` and ``exploration``, whatever teaches the network."""

    network: Any
    returns: Any
    exploration: Any

    def memory(self, spaces: Spaces) -> PyTree:
        """Acting has no state of its own."""
        return ()

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> PyTree:
        """Exploration's random numbers, leading axes ``shape``."""
        return self.exploration.noise(key, shape)

    def estimate(self, params: PyTree, obs: Array) -> Estimate:
        """Outputs and action values of one observation: the only place where the ones become the others."""
        z = self.network(params, obs)
        return Estimate(z, self.returns.mean(z))

    def values(self, params: PyTree, obs: Array) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, obs).q

    def act(self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: PyTree) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane."""
        return self.exploration.choose(self.values(params, obs), clock, noise), memory

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The action of highest value for one observation."""
        return jnp.argmax(self.values(params, obs)).astype(jnp.int32), memory
