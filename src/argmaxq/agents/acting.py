"""How agents act that learn one value for each action."""

import dataclasses
from typing import Annotated, Any, TypeAlias

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Bound
from argmaxq.components.errors import UserError
from argmaxq.learning.keys import each_its_own, is_random, redrawn
from argmaxq.roles import ImplicitReturns, Masking
from argmaxq.types import Array, BranchedActions, Clock, DiscreteActions, Estimate, Keys, Legal, PyTree, Spaces

Allowed: TypeAlias = Annotated[Legal, Bound()]
"""How observations tell which actions are allowed, as the environment's spaces say it."""


def counted(count: int) -> str:
    """A number that may be huge, in few letters."""
    return f"{count:,}" if count < 10**15 else f"about 10^{len(str(count)) - 1}"


def discrete(spaces: Spaces) -> DiscreteActions:
    """The actions, for an agent that needs discrete ones; raises UserError for others."""
    if isinstance(spaces.action, BranchedActions):
        raise UserError(
            f"these actions are several choices at once, {counted(spaces.action.n)} combinations, of which this agent "
            "would need a value each: bdq fits"
        )
    if not isinstance(spaces.action, DiscreteActions):
        advice = "use an agent such as pdqn, or make them discrete by env.choices, values for each action's parameters"
        raise UserError(f"these actions have parameters, which this agent cannot choose: {advice}")
    return spaces.action


class Acting:
    """Exploring and greedy actions from ``network``, ``returns`` and ``exploration``, whatever teaches the network.

    An agent that masks actions has a field ``legal: Allowed = Legal()``, and shows its network ``legal.seen(obs)``.
    """

    network: Any
    returns: Any
    exploration: Any
    legal: Any = Legal()

    def bind(self, spaces: Spaces) -> Any:
        """With how the environment's observations tell which actions are allowed."""
        fields: Any = self
        known = any(field.name == "legal" for field in dataclasses.fields(fields))
        return dataclasses.replace(fields, legal=spaces.legal) if known else self

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
        seen = self.legal.seen(obs)
        if isinstance(self.returns, ImplicitReturns):
            levels = self.returns.levels(own, count or self.returns.quantiles)
            return self.network(params, seen, noise, levels)
        return self.network(params, seen) if noise is None else self.network(params, seen, noise)

    def estimate(self, params: PyTree, obs: Array, key: Keys | None = None) -> Estimate:
        """Outputs and action values of one observation: the only place where the ones become the others.

        The value of an action that is not allowed is ``FORBIDDEN``. Without a key nothing is random: so values are when
        no one explores.
        """
        if not isinstance(self.returns, ImplicitReturns):
            z = self.outputs(params, obs, key)
            return Estimate(z, self.legal.masked(self.returns.mean(z), obs))
        first, second = redrawn(key)
        values = self.returns.mean(self.outputs(params, obs, second, self.returns.value_quantiles))
        z = self.outputs(params, obs, first, self.returns.target_quantiles)
        return Estimate(z, self.legal.masked(values, obs))

    def values(self, params: PyTree, obs: Array, key: Keys | None = None) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, obs, key).q

    def forward(self, params: PyTree, obs: Array, action: Array) -> Array:
        """What the network that is learnt gives for one observation; it does not look at the action."""
        return self.outputs(params, obs)

    def preferences(self, params: PyTree, obs: Array) -> Array:
        """What the greedy policy takes the highest of, [actions]."""
        return self.values(params, obs)

    def worth(self, params: PyTree, obs: Array) -> Array:
        """The discounted return that the greedy policy is expected to have from one observation on."""
        return jnp.max(self.values(params, obs))

    def act(
        self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: tuple[PyTree, Keys | None]
    ) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane."""
        own, keys = noise
        q = self.values(params, obs, keys)
        if not self.legal.actions:
            return self.exploration.choose(q, clock, own), memory
        return among(self.legal.allowed(obs), self.exploration, q, clock, own), memory

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The action of highest value for one observation."""
        return jnp.argmax(self.values(params, obs)).astype(jnp.int32), memory


def among(allowed: Array, exploration: Any, q: Array, clock: Clock, noise: PyTree) -> Array:
    """An action among those ``allowed`` [actions].

    An exploration that knows no masks sees their values alone, and where it takes a forbidden one, the best is taken.
    """
    if isinstance(exploration, Masking):
        return exploration.choose_allowed(q, allowed, clock, noise)
    action = exploration.choose(q, clock, noise)
    return jnp.where(allowed[action], action, jnp.argmax(q).astype(jnp.int32))


def shares(allowed: Array, exploration: Any, q: Array, clock: Clock) -> Array:
    """The probability [actions] with which each action is taken among those ``allowed`` [actions]."""
    if hasattr(exploration, "probabilities_allowed"):
        return exploration.probabilities_allowed(q, allowed, clock)
    share = jnp.where(allowed, exploration.probabilities(q, clock), 0.0)
    return jnp.where(jnp.arange(len(q)) == jnp.argmax(q), share + 1.0 - jnp.sum(share), share)
