"""PQN with a network that remembers, from rollouts (Gallici et al. 2025, section 5.5)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.acting import discrete
from argmaxq.agents.pqn import PQNLearner, check_target_free, fit, passes, targets
from argmaxq.agents.recurrent import RecurrentActing
from argmaxq.components.annotations import Fraction, Number, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.values import entry
from argmaxq.networks.recurrent import Recurrent
from argmaxq.roles import Agent, Bootstrap, Exploration, OptimiserLike, RecurrentNetwork, Returns
from argmaxq.types import START, Array, Clock, Metrics, PyTree, Row, Spaces


class Stretch(NamedTuple):
    """One lane's rows [k] to learn from, with what was remembered before the first; see ``pqn.Sample``."""

    obs: Array
    action: Array
    last: Array
    target: Array
    memory: PyTree


@component(Agent)
class RecurrentPQN(RecurrentActing):
    """Peng's Q(lambda) on fresh rollouts of many lanes, back through time (Gallici et al. 2025).

    What is remembered is carried over from one rollout to the next, and begins anew where an episode ends. A minibatch
    is whole rollouts of some lanes.

    Attributes:
        network: Action values from observations and memory.
        returns: How a return is represented, and its loss.
        bootstrap: What a state is worth: max or munchausen, which need no target network.
        exploration: The behaviour policy.
        optimiser: The gradient method.
        gamma: Discount per env step.
        trace_decay: Lambda of the returns: 0 one-step targets, 1 Monte-Carlo ones.
        rollout: Rows that each lane collects between two calls of learn, through which gradients go back.
        epochs: Passes over each rollout.
        minibatches: Parts that the lanes are split into, one gradient update each.
        reward_scale: Factor on rewards in learning; returns are reported raw.
    """

    network: RecurrentNetwork = Recurrent((128,), layer_norm=True)
    returns: Returns = Scalar(Squared())
    bootstrap: Bootstrap = Max()
    exploration: Exploration = EpsilonGreedy()
    optimiser: OptimiserLike = RAdam()
    gamma: Fraction = 0.99
    trace_decay: Fraction = 0.95
    rollout: Size = 64
    epochs: Size = 4
    minibatches: Size = 4
    reward_scale: Number = 1.0

    def check(self) -> None:
        """Raise UserError for a bootstrap that needs a target network."""
        check_target_free(self.bootstrap)

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> PQNLearner:
        """A fresh learner; raises UserError where the lanes cannot be split into the minibatches."""
        if lanes % self.minibatches:
            raise UserError(f"agent.minibatches = {self.minibatches} does not divide {lanes} lanes; change one of them")
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        return PQNLearner(params, self.optimiser.init(params), jnp.int32(0))

    def updates_in(self, lanes: int) -> int:
        """Gradient updates in one call of ``learn``."""
        return self.epochs * self.minibatches

    def remember(self, learner: PQNLearner, rows: Row) -> PQNLearner:
        """Nothing is kept."""
        return learner

    def cut(self, learner: PQNLearner, lanes: Array) -> PQNLearner:
        """Nothing is kept."""
        return learner

    def draw(self, key: jax.Array, lanes: int) -> Array:
        """A random order of the lanes for each epoch, [epochs, lanes]."""
        return jax.vmap(lambda key: jax.random.permutation(key, lanes))(jax.random.split(key, self.epochs))

    def learn(
        self, learner: PQNLearner, rows: Row, next_obs: Array, clock: Clock, orders: Array
    ) -> tuple[PQNLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the lanes of rows [k, lanes] in ``minibatches`` parts."""
        return passes(self, learner, self._stretches(learner.params, rows, next_obs), orders, clock)

    def update(self, learner: PQNLearner, batch: Stretch, clock: Clock = START) -> tuple[PQNLearner, Metrics]:
        """One gradient update on stretches [batch, k]."""

        def of_one(params: PyTree, own: Stretch) -> Array:
            estimate, _ = self.unroll(params, own.memory, own.obs, own.last)
            return jax.vmap(entry)(estimate.z, own.action)

        def outputs(params: PyTree) -> Array:
            z = jax.vmap(of_one, (None, 0))(params, batch)
            return z.reshape(-1, z.shape[-1])

        weight = (~batch.last).astype(jnp.float32)
        return fit(self, outputs, learner, batch.target.ravel(), weight.ravel(), clock)

    def _stretches(self, params: PyTree, rows: Row, next_obs: Array) -> Stretch:
        """Each lane's rows with their lambda-returns: [lanes, k]."""
        first = jax.tree.map(lambda leaf: leaf[0], rows.before)
        seen = jnp.concatenate([rows.obs, next_obs[jnp.newaxis]])
        last = jnp.concatenate([rows.last, jnp.zeros_like(rows.last[:1])])
        q = jax.vmap(self.unroll, (None, 0, 1, 1), 1)(params, first, seen, last)[0].q
        target = targets(self, rows._replace(before=()), q[:-1], q[1:])
        by_time = rows.obs, rows.action, rows.last, target
        obs, action, last, target = (jnp.swapaxes(leaf, 0, 1) for leaf in by_time)
        return Stretch(obs, action, last, target, first)
