"""From observations to outputs, values and actions: what agents share whose network values each choice."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeAlias

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Bound
from argmaxq.components.errors import UserError
from argmaxq.learning.keys import each_its_own, is_random, redrawn
from argmaxq.roles import Committed, ImplicitReturns, Voting
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import Array, Clock, Estimate, Estimates, Keys, PyTree, Transition

Allowed: TypeAlias = Annotated[Legal, Bound()]
"""How observations tell which actions are allowed, as the environment's spaces say it."""
Look: TypeAlias = Callable[[Keys | None, int | None], tuple[Array, PyTree]]
"""(keys, levels) -> (outputs of one observation, memory after it)."""


class Deciding:
    """Exploring and greedy choices from ``network``, ``returns`` and ``exploration``, whatever teaches the network.

    An agent that masks actions has a field ``legal: Allowed = Legal()``; its network sees ``legal.seen(obs)``.
    """

    network: Any
    returns: Any = None
    exploration: Any
    legal: Any = Legal()

    def bind(self, spaces: Spaces) -> Any:
        """With how the environment's observations tell which actions are allowed."""
        fields: Any = self
        known = any(field.name == "legal" for field in dataclasses.fields(fields))
        return dataclasses.replace(fields, legal=spaces.legal) if known else self

    @property
    def random(self) -> bool:
        """Whether keys change what the network says."""
        return is_random(self.network, self.returns)

    def check(self) -> None:
        """Look whether returns and network fit each other.

        Raises:
            UserError: there are implicit quantiles without a network of them, or the other way round.
        """
        if isinstance(self.returns, ImplicitReturns) != getattr(self.network, "implicit", False):
            raise UserError("returns = implicit-quantile and network.head = implicit go together: set both, or none")

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> tuple[PyTree, Keys | None]:
        """The random numbers of exploration and of the network, leading axes ``shape``."""
        keys = each_its_own(jax.random.fold_in(key, 1), shape) if self.random else None
        return self.exploration.noise(key, shape), keys

    def asked(self, network: Callable[..., Any], obs: Array, keys: Keys | None, count: int | None) -> Any:
        """What ``network``, (observation, key, levels) -> outputs, gives for one observation [...].

        Implicit quantiles are asked for at ``count`` levels; at as many as are learnt at once where that is not given.
        """
        noise, own = (None, None) if keys is None else keys
        seen = self.legal.seen(obs)
        if isinstance(self.returns, ImplicitReturns):
            return network(seen, noise, self.returns.levels(own, count or self.returns.quantiles))
        return network(seen) if noise is None else network(seen, noise)

    def regarded(self, look: Look, obs: Array, keys: Keys | None) -> tuple[Estimate, PyTree]:
        """z [actions, size] and q [actions] of one observation [...], and the memory after it: here alone z becomes q.

        The value of an action that is not allowed is ``FORBIDDEN``. Without keys nothing is random: so values are when
        no one explores.
        """
        if not isinstance(self.returns, ImplicitReturns):
            z, memory = look(keys, None)
            return Estimate(z, self.legal.masked(self.returns.mean(z), obs)), memory
        first, second = redrawn(keys)
        judged, memory = look(second, self.returns.value_quantiles)
        z, _ = look(first, self.returns.target_quantiles)
        return Estimate(z, self.legal.masked(self.returns.mean(judged), obs)), memory

    def judged(self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None) -> tuple[Estimate, PyTree]:
        """The estimate z [actions, size], q [actions] of one observation [...], and the memory after it."""
        raise NotImplementedError

    def preferred(self, estimate: Estimate) -> Array:
        """What the greedy policy takes the highest of, [actions]."""
        return self.returns.preferred(estimate) if isinstance(self.returns, Voting) else estimate.q

    def act(
        self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: tuple[PyTree, Keys | None]
    ) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane: the action, int32, for an observation [...], and the memory after it."""
        own, keys = noise
        estimate, after = self.judged(params, memory, obs, keys)
        q = estimate.q
        if isinstance(self.exploration, Committed):
            q, after = self.exploration.committed(self.returns, estimate, memory, own)
        if not self.legal.actions:
            return self.exploration.choose(q, clock, own), after
        return among(self.legal.allowed(obs), self.exploration, q, clock, own), after

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The action, int32 [] or [branches], that is preferred for one observation, and the memory after it."""
        estimate, memory = self.judged(params, memory, obs)
        return jnp.argmax(self.preferred(estimate), axis=-1).astype(jnp.int32), memory


def both(
    agent: Any, params: PyTree, target: PyTree, transition: Transition, keys: Sequence[Keys | None]
) -> tuple[Estimates, Estimates]:
    """Estimates of the state left and of the one reached, by both networks; ``keys`` [4] are those of each look."""

    def estimates(obs: Array, online: Keys | None, fixed: Keys | None) -> Estimates:
        return Estimates(jax.lax.stop_gradient(agent.estimate(params, obs, online)), agent.estimate(target, obs, fixed))

    return estimates(transition.obs, *keys[:2]), estimates(transition.next_obs, *keys[2:])


def among(allowed: Array, exploration: Any, q: Array, clock: Clock, noise: PyTree) -> Array:
    """An action among those ``allowed`` [actions].

    An exploration that knows no masks sees their values alone, and where it takes a forbidden one, the best is taken.
    """
    if getattr(exploration, "masking", False):
        return exploration.choose(q, clock, noise, allowed)
    action = exploration.choose(q, clock, noise)
    return jnp.where(allowed[action], action, jnp.argmax(q).astype(jnp.int32))


def shares(allowed: Array, exploration: Any, q: Array, clock: Clock) -> Array:
    """The probability [actions] with which each action is taken among those ``allowed`` [actions]."""
    if getattr(exploration, "masking", False):
        return exploration.probabilities(q, clock, allowed)
    share = jnp.where(allowed, exploration.probabilities(q, clock), 0.0)
    return jnp.where(jnp.arange(len(q)) == jnp.argmax(q), share + 1.0 - jnp.sum(share), share)
