"""PQN: parallelised Q-learning without replay and without a target network (Gallici et al. 2025)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.acting import Acting, discrete
from argmaxq.agents.parts.deciding import Allowed
from argmaxq.agents.parts.rollouts import RolloutLearner, Rollouts, Shuffled
from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import axes, of_batch
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.resets import Resets
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging
from argmaxq.learning.values import entry
from argmaxq.networks.mlp import MLP
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Returns, Rewards
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import Array, Clock, Keys, Metrics, PyTree, Row


class Sample(NamedTuple):
    """One row to learn from: its target is a lambda-return; weight 0 marks a final observation."""

    obs: Array
    action: Array
    target: Array
    weight: Array


@component(Agent)
class PQN(Rollouts, Acting):
    """Peng's Q(lambda) on fresh rollouts of many lanes, stabilised by layer normalisation (Gallici et al. 2025).

    Attributes:
        network: Action values from observations.
        returns: How a return is represented, and its loss.
        bootstrap: What a state is worth: max or munchausen, which need no target network.
        exploration: The behaviour policy.
        optimiser: The gradient method.
        gamma: Discount per env step.
        trace_decay: Lambda of the returns: 0 one-step targets, 1 Monte-Carlo ones.
        rollout: Rows that each lane collects between two calls of learn.
        epochs: Passes over each rollout.
        minibatches: Parts that each pass is split into, one gradient update each.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
        resets: When the network begins anew; none: never.
        legal: Where observations say which actions are allowed, of the environment.
    """

    network: NetworkLike = MLP((128, 128), layer_norm=True)
    returns: Returns = Scalar(Squared())
    bootstrap: Bootstrap = Max()
    exploration: Exploration = EpsilonGreedy()
    optimiser: OptimiserLike = RAdam()
    gamma: Fraction = 0.99
    trace_decay: Fraction = 0.95
    rollout: Size = 64
    epochs: Size = 4
    minibatches: Size = 16
    rewards: Rewards = Scale()
    average: Averaging | None = None
    resets: Resets | None = None
    legal: Allowed = Legal()

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> RolloutLearner:
        """A fresh learner.

        Raises:
            UserError: a rollout cannot be split into the minibatches, or actions have parameters.
        """
        if self.rollout * lanes % self.minibatches:
            rows = f"rollout {self.rollout} x {lanes} lanes = {self.rollout * lanes} rows"
            raise UserError(f"agent.minibatches = {self.minibatches} does not divide {rows}; change one of them")
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        none = jnp.zeros(self.rollout * lanes, jnp.float32)
        stored = jnp.zeros((*none.shape, *spaces.stored.shape), spaces.stored.dtype)
        newest = Sample(stored, none.astype(jnp.int32), none, none)
        begun = self.begun(params, lanes, key)
        return RolloutLearner(params, self.optimiser.init(params), jnp.int32(0), newest, **begun)

    def samples_in(self, lanes: int) -> int:
        """All rows."""
        return self.rollout * lanes

    def learn(
        self, learner: RolloutLearner, rows: Row, next_obs: Array, clock: Clock, drawn: Shuffled
    ) -> tuple[RolloutLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the rows [k, lanes] in ``minibatches`` parts."""
        return self.passes(learner, self._samples(learner, rows, next_obs, drawn.looks), drawn, clock, next_obs[0])

    def taken(self, params: PyTree, batch: Sample, key: Array | None) -> Array:
        """Outputs [batch, size] of the actions taken."""
        keys = of_batch(key, batch.weight.shape)

        def one(obs: Array, action: Array, keys: Keys | None) -> Array:
            return entry(self.outputs(params, obs, keys), action)

        return jax.vmap(one, (0, 0, axes(keys)))(batch.obs, batch.action, keys)

    def _samples(self, learner: RolloutLearner, rows: Row, next_obs: Array, looks: Array | None) -> Sample:
        """Rows [k, lanes] with their lambda-returns, flat: [k * lanes]."""
        following = jnp.concatenate([rows.obs[1:], next_obs[jnp.newaxis]])
        here, there = (of_batch(key, rows.last.shape) for key in ((None, None) if looks is None else looks))
        values = jax.vmap(jax.vmap(self.values, (None, 0, axes(here))), (None, 0, axes(here)))
        q, next_q = values(learner.params, rows.obs, here), values(learner.params, following, there)
        target = self.targets(learner, rows, q, next_q)
        kept = Sample(rows.obs, rows.action, target, (~rows.last).astype(jnp.float32))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), kept)
