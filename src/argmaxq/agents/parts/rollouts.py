"""How agents learn from fresh rollouts, without replay and without a target network."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.accumulating import accumulated
from argmaxq.agents.parts.copies import at_hand
from argmaxq.agents.parts.deciding import Deciding
from argmaxq.agents.parts.following import Following
from argmaxq.agents.parts.gauging import SAMPLES, after_update, health
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.diagnostics import td_error_quantiles
from argmaxq.learning.experience import lambda_returns, outcome
from argmaxq.roles import TargetFree
from argmaxq.types import START, Array, Clock, Metrics, PyTree, Row


class RolloutLearner(NamedTuple):
    """Parameters, optimiser state, gradient updates done (int32), and what was learnt from last, to be gauged.

    ``rewards`` is what their kind remembers, ``average`` the averaged parameters, ``seed`` is of resets: often ``()``.
    """

    params: PyTree
    optimiser: PyTree
    updates: Array
    newest: PyTree
    rewards: PyTree = ()
    average: PyTree = ()
    seed: PyTree = ()


class Shuffled(NamedTuple):
    """The random numbers of one call of ``learn``; keys where the network is random.

    Attributes:
        orders: A random order of the samples for each epoch, [epochs, n].
        looks: Keys [2] of the values of states left and reached, of which lambda-returns are made.
        updates: Keys [updates].
    """

    orders: Array
    looks: Array | None = None
    updates: Array | None = None


class Rollouts(Following, Deciding):
    """Makes lambda-returns of a rollout, then ``epochs`` passes over it in ``minibatches`` parts.

    An agent makes samples [n, ...] of a rollout, with ``target`` and ``weight``, and says by ``taken`` what its network
    gives for the actions in them.
    """

    bootstrap: Any
    trace_decay: Any
    epochs: Any
    minibatches: Any

    def check(self) -> None:
        """Look whether the parts fit one another.

        Raises:
            UserError: the bootstrap needs a target network, or parts do not go together.
        """
        if not isinstance(self.bootstrap, TargetFree):
            kinds = type_name(type(self.bootstrap)), type_name(type(self))
            raise UserError(
                f"bootstrap = {kinds[0]} needs a target network, and {kinds[1]} has none: max and munchausen need none"
            )
        super().check()

    def samples_in(self, lanes: int) -> int:
        """Samples of a rollout."""
        raise NotImplementedError

    def draw(self, key: jax.Array, lanes: int) -> Shuffled:
        """Orders of the samples, and keys."""
        keys = jax.random.split(key, self.epochs)
        orders = jax.vmap(lambda key: jax.random.permutation(key, self.samples_in(lanes)))(keys)
        if not self.random:
            return Shuffled(orders)
        first, second = jax.random.split(jax.random.fold_in(key, 1))
        return Shuffled(orders, jax.random.split(first), jax.random.split(second, self.epochs * self.minibatches))

    def taken(self, params: PyTree, batch: Any, key: Array | None) -> Array:
        """Outputs [m, size] of the actions in a batch of samples."""
        raise NotImplementedError

    def updates_in(self, lanes: int) -> int:
        """Gradient updates in one call of ``learn``."""
        return int(self.epochs * self.minibatches)

    def remember(self, learner: RolloutLearner, rows: Row) -> RolloutLearner:
        """Rows [k, lanes] are taken up in running scales; nothing else is kept of them."""
        noticed: RolloutLearner = self.noticed(learner, rows)[0]
        return noticed

    def cut(self, learner: RolloutLearner, lanes: Array) -> RolloutLearner:
        """The learner as it is, whichever lanes [m]: no row is kept that could be cut."""
        return learner

    def targets(self, learner: RolloutLearner, rows: Row, q: Array, next_q: Array) -> Array:
        """Lambda-returns of rows [k, lanes], with the action values [k, lanes, actions] there and after them."""
        next_value = jax.vmap(jax.vmap(self.bootstrap.value))(next_q)
        mapped = self.total(learner, self.rewards.each(rows.reward))
        reward = jax.vmap(jax.vmap(self.bootstrap.reward))(mapped, q, rows.action)
        scaled = outcome(rows._replace(reward=reward), self.gamma)
        return jax.vmap(lambda_returns, (1, 1, None), 1)(scaled, next_value, self.trace_decay)

    def passes(
        self, learner: RolloutLearner, samples: Any, drawn: Shuffled, clock: Clock, obs: Array
    ) -> tuple[RolloutLearner, Metrics]:
        """All updates on samples [n, ...] in their orders; ``obs`` is any observation."""

        def minibatch(learner: RolloutLearner, own: tuple[Array, Array | None]) -> tuple[RolloutLearner, Metrics]:
            choice, key = own
            return self.update(learner, jax.tree.map(lambda leaf: leaf[choice], samples), clock, key)

        updates = self.epochs * self.minibatches
        choices = drawn.orders.reshape(updates, -1), drawn.updates
        after, metrics = jax.lax.scan(minibatch, learner._replace(newest=samples), choices)
        means = jax.tree.map(jnp.mean, metrics) | self.exploration.report(clock)
        return self.renewed(after, learner, obs), {**means, "updates": jnp.int32(updates)}

    def update(
        self, learner: RolloutLearner, batch: Any, clock: Clock = START, key: Array | None = None
    ) -> tuple[RolloutLearner, Metrics]:
        """One gradient update on samples [batch, ...]."""

        handed = at_hand(self.network, learner.params)

        def loss(params: PyTree, samples: Any) -> tuple[Array, Array]:
            z, goal = self._compared(handed(params), samples, key)
            weight = samples.weight.ravel()
            return jnp.mean(weight * jax.vmap(self.returns.loss)(z, goal)), jnp.mean(self.returns.mean(z))

        (value, q), gradient = accumulated(self, loss, learner.params, batch, key)
        clock = clock._replace(update=learner.updates)
        params, optimiser = self.optimiser.update(gradient, learner.optimiser, learner.params, clock)
        after = learner._replace(params=params, optimiser=optimiser, updates=learner.updates + 1)
        return self.followed(after, learner.params), {"loss": value, "q": q}

    def gauge(self, learner: RolloutLearner, clock: Clock, key: jax.Array) -> Metrics:
        """Diagnostics of one more update, which is not kept, and of the network at states of the newest rollout."""
        newest: Any = learner.newest
        order = jnp.argsort(jax.random.bits(key, (len(newest.action),)))
        batch, shown = (
            jax.tree.map(lambda leaf, chosen=chosen: leaf[chosen], newest)
            for chosen in (order[: len(order) // self.minibatches], order[-SAMPLES:])
        )
        own = jax.random.fold_in(key, 1) if self.random else None
        after, _, found = after_update(self, learner, lambda agent, learner: agent.update(learner, batch, clock, own))
        td_error = jax.vmap(self.returns.td_error)(*self._compared(learner.params, batch, own))
        found |= td_error_quantiles(td_error, batch.weight.ravel())
        return found | health(self, learner, after, shown.obs, shown.action, clock)

    def _compared(self, params: PyTree, batch: Any, key: Array | None) -> tuple[Array, Array]:
        """Outputs [m, size] of the actions taken, and their targets [m, ...]."""
        z = self.taken(params, batch, key)
        return z, jax.vmap(self.returns.target, (0, None, 0))(batch.target.ravel(), 0.0, jax.lax.stop_gradient(z))
