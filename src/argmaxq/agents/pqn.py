"""PQN: parallelised Q-learning without replay and without a target network (Gallici et al. 2025)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.acting import Acting, Allowed, discrete
from argmaxq.agents.following import Following
from argmaxq.agents.gauging import SAMPLES, after_update, health
from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.diagnostics import td_error_quantiles
from argmaxq.learning.experience import lambda_returns, outcome
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import axes, of_batch
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.resets import Resets
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging
from argmaxq.learning.values import entry
from argmaxq.networks.mlp import MLP
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Returns, Rewards, TargetFree
from argmaxq.types import START, Array, Clock, Keys, Legal, Metrics, PyTree, Row, Spaces


class Sample(NamedTuple):
    """One row to learn from: its target is a lambda-return; weight 0 marks a final observation."""

    obs: Array
    action: Array
    target: Array
    weight: Array


class PQNLearner(NamedTuple):
    """Parameters, optimiser state, gradient updates done (int32), and what was learnt from last, to be gauged.

    ``rewards`` is what their kind remembers, ``average`` the averaged parameters, ``seed`` is of resets: often ``()``.
    """

    params: PyTree
    optimiser: PyTree
    updates: Array
    newest: Sample
    rewards: PyTree = ()
    average: PyTree = ()
    seed: PyTree = ()


class Shuffled(NamedTuple):
    """The random numbers of one call of ``learn``; keys where the network is random.

    Attributes:
        orders: A random order of the rows for each epoch, [epochs, rollout * lanes].
        looks: Keys [2] of the values of states left and reached, of which lambda-returns are made.
        updates: Keys [updates].
    """

    orders: Array
    looks: Array | None = None
    updates: Array | None = None


@component(Agent)
class PQN(Following, Acting):
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

    def check(self) -> None:
        """Raise UserError for a bootstrap that needs a target network, or parts that do not go together."""
        super().check()
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
        none = jnp.zeros(self.rollout * lanes, jnp.float32)
        seen = jnp.zeros((*none.shape, *spaces.stored.shape), spaces.stored.dtype)
        newest = Sample(seen, none.astype(jnp.int32), none, none)
        return PQNLearner(params, self.optimiser.init(params), jnp.int32(0), newest, **self.begun(params, lanes, key))

    def updates_in(self, lanes: int) -> int:
        """Gradient updates in one call of ``learn``."""
        return self.epochs * self.minibatches

    def remember(self, learner: PQNLearner, rows: Row) -> PQNLearner:
        """Rows [k, lanes] are taken up in running scales; nothing else is kept of them."""
        return self.noticed(learner, rows)[0]

    def cut(self, learner: PQNLearner, lanes: Array) -> PQNLearner:
        """Nothing is kept."""
        return learner

    def draw(self, key: jax.Array, lanes: int) -> Shuffled:
        """The random numbers of one call of ``learn``."""
        keys = jax.random.split(key, self.epochs)
        orders = jax.vmap(lambda key: jax.random.permutation(key, self.rollout * lanes))(keys)
        if not self.random:
            return Shuffled(orders)
        first, second = jax.random.split(jax.random.fold_in(key, 1))
        return Shuffled(orders, jax.random.split(first), jax.random.split(second, self.epochs * self.minibatches))

    def learn(
        self, learner: PQNLearner, rows: Row, next_obs: Array, clock: Clock, drawn: Shuffled
    ) -> tuple[PQNLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the rows [k, lanes] in ``minibatches`` parts."""
        samples = self._samples(learner, rows, next_obs, drawn.looks)

        def minibatch(learner: PQNLearner, own: tuple[Array, Array | None]) -> tuple[PQNLearner, Metrics]:
            choice, key = own
            return self.update(learner, jax.tree.map(lambda leaf: leaf[choice], samples), clock, key)

        choices = drawn.orders.reshape(self.epochs * self.minibatches, -1)
        before = learner
        learner, metrics = jax.lax.scan(minibatch, learner._replace(newest=samples), (choices, drawn.updates))
        learner = self.renewed(learner, before, next_obs[0])
        means = jax.tree.map(jnp.mean, metrics)
        updates = jnp.int32(self.epochs * self.minibatches)
        return learner, {**means, **self.exploration.report(clock), "updates": updates}

    def update(
        self, learner: PQNLearner, batch: Sample, clock: Clock = START, key: Array | None = None
    ) -> tuple[PQNLearner, Metrics]:
        """One gradient update on samples [batch]."""

        def loss(params: PyTree) -> tuple[Array, Array]:
            z, goal = self._compared(params, batch, key)
            return jnp.mean(batch.weight * jax.vmap(self.returns.loss)(z, goal)), jnp.mean(self.returns.mean(z))

        (value, q), gradient = jax.value_and_grad(loss, has_aux=True)(learner.params)
        clock = clock._replace(update=learner.updates)
        params, optimiser = self.optimiser.update(gradient, learner.optimiser, learner.params, clock)
        after = learner._replace(params=params, optimiser=optimiser, updates=learner.updates + 1)
        return self.followed(after, learner.params), {"loss": value, "q": q}

    def gauge(self, learner: PQNLearner, clock: Clock, key: jax.Array) -> Metrics:
        """Diagnostics of one more update, which is not kept, and of the network at states of the newest rollout."""
        order = jnp.argsort(jax.random.bits(key, learner.newest.weight.shape))
        batch, shown = (
            jax.tree.map(lambda leaf, chosen=chosen: leaf[chosen], learner.newest)
            for chosen in (order[: len(order) // self.minibatches], order[-SAMPLES:])
        )
        own_key = jax.random.fold_in(key, 1) if self.random else None
        after, _, found = after_update(self, learner, lambda agent, own: agent.update(own, batch, clock, own_key))
        td_error = jax.vmap(self.returns.td_error)(*self._compared(learner.params, batch, own_key))
        found |= td_error_quantiles(td_error, batch.weight)
        return found | health(self, learner, after, shown.obs, shown.action, clock)

    def _compared(self, params: PyTree, batch: Sample, key: Array | None) -> tuple[Array, Array]:
        """Outputs [batch, size] of the actions taken, and their targets [batch, ...]."""
        keys = of_batch(key, batch.weight.shape)

        def taken(obs: Array, action: Array, keys: Keys | None) -> Array:
            return entry(self.outputs(params, obs, keys), action)

        z = jax.vmap(taken, (0, 0, axes(keys)))(batch.obs, batch.action, keys)
        return z, jax.vmap(self.returns.target, (0, None, 0))(batch.target, 0.0, jax.lax.stop_gradient(z))

    def _samples(self, learner: PQNLearner, rows: Row, next_obs: Array, looks: Array | None) -> Sample:
        """Rows [k, lanes] with their lambda-returns, flat: [k * lanes]."""
        bootstrap: Any = self.bootstrap
        params, mapped = learner.params, self.rewards.each(rows.reward)
        following = jnp.concatenate([rows.obs[1:], next_obs[jnp.newaxis]])
        here, there = (of_batch(key, rows.last.shape) for key in ((None, None) if looks is None else looks))
        values = jax.vmap(jax.vmap(self.values, (None, 0, axes(here))), (None, 0, axes(here)))
        next_value = jax.vmap(jax.vmap(bootstrap.value))(values(params, following, there))
        learnt = jax.vmap(jax.vmap(bootstrap.reward))
        reward = learnt(self.total(learner, mapped), values(params, rows.obs, here), rows.action)
        scaled = outcome(rows._replace(reward=reward), self.gamma)
        target = jax.vmap(lambda_returns, (1, 1, None), 1)(scaled, next_value, self.trace_decay)
        kept = Sample(rows.obs, rows.action, target, (~rows.last).astype(jnp.float32))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), kept)
