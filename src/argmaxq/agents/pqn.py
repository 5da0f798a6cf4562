"""PQN: parallelised Q-learning without replay and without a target network (Gallici et al. 2025)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.acting import Acting, discrete
from argmaxq.agents.gauging import SAMPLES, after_update, health
from argmaxq.components.annotations import Fraction, Number, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.diagnostics import td_error_quantiles
from argmaxq.learning.experience import lambda_returns, outcome
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.values import entry
from argmaxq.networks.mlp import MLP
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Returns, TargetFree
from argmaxq.types import START, Array, Clock, Metrics, PyTree, Row, Spaces


class Sample(NamedTuple):
    """One row to learn from: its target is a lambda-return; weight 0 marks a final observation."""

    obs: Array
    action: Array
    target: Array
    weight: Array


class PQNLearner(NamedTuple):
    """Parameters, optimiser state, gradient updates done (int32), and what was learnt from last, to be gauged."""

    params: PyTree
    optimiser: PyTree
    updates: Array
    newest: Sample


@component(Agent)
class PQN(Acting):
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
        reward_scale: Factor on rewards in learning; returns are reported raw.
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
    reward_scale: Number = 1.0

    def check(self) -> None:
        """Raise UserError for a bootstrap that needs a target network."""
        if not isinstance(self.bootstrap, TargetFree):
            kind = type_name(type(self.bootstrap))
            raise UserError(
                f"bootstrap = {kind} needs a target network, and pqn has none: max and munchausen need none"
            )

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> PQNLearner:
        """A fresh learner; raises UserError where a rollout cannot be split into the minibatches."""
        if self.rollout * lanes % self.minibatches:
            rows = f"rollout {self.rollout} x {lanes} lanes = {self.rollout * lanes} rows"
            raise UserError(f"agent.minibatches = {self.minibatches} does not divide {rows}; change one of them")
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        nothing = jnp.zeros(self.rollout * lanes, jnp.float32)
        newest = Sample(jnp.broadcast_to(obs, (len(nothing), *obs.shape)), nothing.astype(jnp.int32), nothing, nothing)
        return PQNLearner(params, self.optimiser.init(params), jnp.int32(0), newest)

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
        """A random order of the rows for each epoch, [epochs, rollout * lanes]."""
        keys = jax.random.split(key, self.epochs)
        return jax.vmap(lambda key: jax.random.permutation(key, self.rollout * lanes))(keys)

    def learn(
        self, learner: PQNLearner, rows: Row, next_obs: Array, clock: Clock, orders: Array
    ) -> tuple[PQNLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the rows [k, lanes] in ``minibatches`` parts."""
        samples = self._samples(learner.params, rows, next_obs)

        def minibatch(learner: PQNLearner, choice: Array) -> tuple[PQNLearner, Metrics]:
            return self.update(learner, jax.tree.map(lambda leaf: leaf[choice], samples), clock)

        choices = orders.reshape(self.epochs * self.minibatches, -1)
        learner, metrics = jax.lax.scan(minibatch, learner._replace(newest=samples), choices)
        means = jax.tree.map(jnp.mean, metrics)
        updates = jnp.int32(self.epochs * self.minibatches)
        return learner, {**means, **self.exploration.report(clock), "updates": updates}

    def update(self, learner: PQNLearner, batch: Sample, clock: Clock = START) -> tuple[PQNLearner, Metrics]:
        """One gradient update on samples [batch]."""

        def loss(params: PyTree) -> tuple[Array, Array]:
            z, goal = self._compared(params, batch)
            return jnp.mean(batch.weight * jax.vmap(self.returns.loss)(z, goal)), jnp.mean(self.returns.mean(z))

        (value, q), gradient = jax.value_and_grad(loss, has_aux=True)(learner.params)
        clock = clock._replace(update=learner.updates)
        params, optimiser = self.optimiser.update(gradient, learner.optimiser, learner.params, clock)
        learner = learner._replace(params=params, optimiser=optimiser, updates=learner.updates + 1)
        return learner, {"loss": value, "q": q}

    def gauge(self, learner: PQNLearner, clock: Clock, key: jax.Array) -> Metrics:
        """Diagnostics of one more update, which is not kept, and of the network at states of the newest rollout."""
        order = jnp.argsort(jax.random.bits(key, learner.newest.weight.shape))
        batch, shown = (
            jax.tree.map(lambda leaf, chosen=chosen: leaf[chosen], learner.newest)
            for chosen in (order[: len(order) // self.minibatches], order[-SAMPLES:])
        )
        after, _, found = after_update(self, learner, lambda agent, own: agent.update(own, batch, clock))
        td_error = jax.vmap(self.returns.td_error)(*self._compared(learner.params, batch))
        found |= td_error_quantiles(td_error, batch.weight)
        return found | health(self, learner, after, shown.obs, shown.action, clock)

    def _compared(self, params: PyTree, batch: Sample) -> tuple[Array, Array]:
        """Outputs [batch, size] of the actions taken, and their targets [batch, ...]."""
        z = jax.vmap(lambda obs, action: entry(self.network(params, obs), action))(batch.obs, batch.action)
        return z, jax.vmap(self.returns.target, (0, None, 0))(batch.target, 0.0, jax.lax.stop_gradient(z))

    def _samples(self, params: PyTree, rows: Row, next_obs: Array) -> Sample:
        """Rows [k, lanes] with their lambda-returns, flat: [k * lanes]."""
        bootstrap: Any = self.bootstrap
        following = jnp.concatenate([rows.obs[1:], next_obs[jnp.newaxis]])
        values = jax.vmap(jax.vmap(self.values, (None, 0)), (None, 0))
        next_value = jax.vmap(jax.vmap(bootstrap.value))(values(params, following))
        learnt = jax.vmap(jax.vmap(bootstrap.reward))
        reward = learnt(self.reward_scale * rows.reward, values(params, rows.obs), rows.action)
        scaled = outcome(rows._replace(reward=reward), self.gamma)
        target = jax.vmap(lambda_returns, (1, 1, None), 1)(scaled, next_value, self.trace_decay)
        kept = Sample(rows.obs, rows.action, target, (~rows.last).astype(jnp.float32))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), kept)
