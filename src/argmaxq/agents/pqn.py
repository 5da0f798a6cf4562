"""PQN: parallelised Q-learning without replay and without a target network (Gallici et al. 2025)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.acting import Acting, discrete
from argmaxq.components.annotations import Fraction, Number, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.experience import lambda_returns, outcome
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.values import entry
from argmaxq.networks.mlp import MLP
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Returns, TargetFree
from argmaxq.types import START, Array, Clock, Metrics, PyTree, Row, Spaces


class PQNLearner(NamedTuple):
    """Parameters, optimiser state and gradient updates done (int32)."""

    params: PyTree
    optimiser: PyTree
    updates: Array


class Sample(NamedTuple):
    """One row to learn from: its target is a lambda-return; weight 0 marks a final observation."""

    obs: Array
    action: Array
    target: Array
    weight: Array


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
        check_target_free(self.bootstrap)

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> PQNLearner:
        """A fresh learner; raises UserError where a rollout cannot be split into the minibatches."""
        if self.rollout * lanes % self.minibatches:
            rows = f"rollout {self.rollout} x {lanes} lanes = {self.rollout * lanes} rows"
            raise UserError(f"agent.minibatches = {self.minibatches} does not divide {rows}; change one of them")
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
        """A random order of the rows for each epoch, [epochs, rollout * lanes]."""
        keys = jax.random.split(key, self.epochs)
        return jax.vmap(lambda key: jax.random.permutation(key, self.rollout * lanes))(keys)

    def learn(
        self, learner: PQNLearner, rows: Row, next_obs: Array, clock: Clock, orders: Array
    ) -> tuple[PQNLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the rows [k, lanes] in ``minibatches`` parts."""
        return passes(self, learner, self._samples(learner.params, rows, next_obs), orders, clock)

    def update(self, learner: PQNLearner, batch: Sample, clock: Clock = START) -> tuple[PQNLearner, Metrics]:
        """One gradient update on samples [batch]."""

        def outputs(params: PyTree) -> Array:
            return jax.vmap(lambda obs, action: entry(self.network(params, obs), action))(batch.obs, batch.action)

        return fit(self, outputs, learner, batch.target, batch.weight, clock)

    def _samples(self, params: PyTree, rows: Row, next_obs: Array) -> Sample:
        """Rows [k, lanes] with their lambda-returns, flat: [k * lanes]."""
        following = jnp.concatenate([rows.obs[1:], next_obs[jnp.newaxis]])
        values = jax.vmap(jax.vmap(self.values, (None, 0)), (None, 0))
        target = targets(self, rows, values(params, rows.obs), values(params, following))
        kept = Sample(rows.obs, rows.action, target, (~rows.last).astype(jnp.float32))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), kept)


def check_target_free(bootstrap: Bootstrap) -> None:
    """Raise UserError for a bootstrap that needs a target network."""
    if not isinstance(bootstrap, TargetFree):
        kind = type_name(type(bootstrap))
        raise UserError(f"bootstrap = {kind} needs a target network, and pqn has none: max and munchausen need none")


def targets(agent: Any, rows: Row, q: Array, next_q: Array) -> Array:
    """Lambda-returns of rows [k, lanes], with the action values [k, lanes, actions] there and after them."""
    next_value = jax.vmap(jax.vmap(agent.bootstrap.value))(next_q)
    reward = jax.vmap(jax.vmap(agent.bootstrap.reward))(agent.reward_scale * rows.reward, q, rows.action)
    scaled = outcome(rows._replace(reward=reward), agent.gamma)
    return jax.vmap(lambda_returns, (1, 1, None), 1)(scaled, next_value, agent.trace_decay)


def passes(agent: Any, learner: PQNLearner, samples: PyTree, orders: Array, clock: Clock) -> tuple[PQNLearner, Metrics]:
    """The agent's updates on its ``minibatches`` of samples [n], in each of the orders [epochs, n]."""

    def minibatch(learner: PQNLearner, choice: Array) -> tuple[PQNLearner, Metrics]:
        updated: tuple[PQNLearner, Metrics] = agent.update(
            learner, jax.tree.map(lambda leaf: leaf[choice], samples), clock
        )
        return updated

    updates = agent.epochs * agent.minibatches
    learner, metrics = jax.lax.scan(minibatch, learner, orders.reshape(updates, -1))
    means = jax.tree.map(jnp.mean, metrics)
    return learner, {**means, **agent.exploration.report(clock), "updates": jnp.int32(updates)}


def fit(
    agent: Any, outputs: Callable[[PyTree], Array], learner: PQNLearner, target: Array, weight: Array, clock: Clock
) -> tuple[PQNLearner, Metrics]:
    """One step of the agent's optimiser towards targets [n], with ``outputs`` of parameters: z [n, size]."""

    def loss(params: PyTree) -> tuple[Array, Array]:
        z = outputs(params)
        goal = jax.vmap(agent.returns.target, (0, None, 0))(target, 0.0, jax.lax.stop_gradient(z))
        return jnp.mean(weight * jax.vmap(agent.returns.loss)(z, goal)), jnp.mean(agent.returns.mean(z))

    (value, q), gradient = jax.value_and_grad(loss, has_aux=True)(learner.params)
    clock = clock._replace(update=learner.updates)
    params, optimiser = agent.optimiser.update(gradient, learner.optimiser, learner.params, clock)
    return PQNLearner(params, optimiser, learner.updates + 1), {"loss": value, "q": q}
