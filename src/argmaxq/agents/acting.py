"""How agents act that learn one value for each action."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.errors import UserError
from argmaxq.learning.keys import each_its_own, is_random, redrawn
from argmaxq.roles import ImplicitReturns
from argmaxq.types import Array, Clock, DiscreteActions, Estimate, Keys, PyTree, Spaces


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

    @property
    def random(self) -> bool:
        """Whether keys change what the network says."""
        return is_random(self.network, self.returns)

    def check(self) -> None:
        """Raise UserError for implicit quantiles without a network of them, or the other way round."""
        if isinstance(self.returns, ImplicitReturns) != getattr(self.network, "implicit", False):
            raise UserError("returns = implicit-quantile and network.head = implicit go together: set both, or none")

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> tuple[PyTree, Keys | None]:
        """The random numbers of exploration and of the network, leading axes ``shape``."""
        keys = each_its_own(jax.random.fold_in(key, 1), shape) if self.random else None
        return self.exploration.noise(key, shape), keys

    def outputs(self, params: PyTree, obs: Array, keys: Keys | None = None, count: int | None = None) -> Array:
        """The network's outputs z [actions, size] for one observation.

        Implicit quantiles are asked for at ``count`` levels; at as many as are learnt at once where that is not given.
        """
        noise, own = (None, None) if keys is None else keys
        if isinstance(self.returns, ImplicitReturns):
            levels = self.returns.levels(own, count or self.returns.quantiles)
            return self.network(params, obs, noise, levels)
        return self.network(params, obs) if noise is None else self.network(params, obs, noise)

    def estimate(self, params: PyTree, obs: Array, key: Keys | None = None) -> Estimate:
        """Outputs and action values of one observation: the only place where the ones become the others.

        Without a key nothing is random: so values are when no one explores.
        """
        if not isinstance(self.returns, ImplicitReturns):
            z = self.outputs(params, obs, key)
            return Estimate(z, self.returns.mean(z))
        first, second = redrawn(key)
        values = self.outputs(params, obs, second, self.returns.value_quantiles)
        return Estimate(self.outputs(params, obs, first, self.returns.target_quantiles), self.returns.mean(values))

    def values(self, params: PyTree, obs: Array, key: Keys | None = None) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, obs, key).q

    def act(
        self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: tuple[PyTree, Keys | None]
    ) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane."""
        own, keys = noise
        return self.exploration.choose(self.values(params, obs, keys), clock, own), memory

    def greedy(self, params: PyTree, obs: Array) -> Array:
        """The action of highest value for one observation."""
        return jnp.argmax(self.values(params, obs)).astype(jnp.int32)
