"""R2D2: DQN with a recurrent network, from sequences (Kapturowski et al. 2019)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.dqn import DQNLearner, step
from argmaxq.agents.parts.acting import discrete
from argmaxq.agents.parts.deciding import Allowed
from argmaxq.agents.parts.recurrent import RecurrentActing
from argmaxq.agents.parts.replaying import Replaying
from argmaxq.components.annotations import Extent, Fraction, Onset, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.experience import anew, n_step, outcome
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import axes, of_batch, parted, redrawn
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns.transformed import Transformed
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Periodic
from argmaxq.learning.values import entry
from argmaxq.networks.recurrent import Recurrent
from argmaxq.replay.prioritised import Prioritised
from argmaxq.roles import (
    Agent,
    Bootstrap,
    Exploration,
    OptimiserLike,
    RecurrentNetwork,
    Replay,
    Returns,
    Rewards,
    SequenceReplay,
    Sync,
)
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import START, Array, Batch, Clock, Estimates, Keys, Metrics, PyTree, Row, Transition


class Learnt(NamedTuple):
    """What the rows of a sequence give [length]: losses, TD errors and values, all 0 where ``valid`` is not."""

    loss: Array
    td_error: Array
    value: Array
    valid: Array


@component(Agent)
class R2D2(RecurrentActing, Replaying):
    """Recurrent replay: a DQN whose network remembers, learnt from sequences with stored state and burn-in.

    A sequence is ``burn_in`` rows that only bring the memory up to date, from the one that was stored in acting, then
    ``length`` rows that are learnt from, then ``n_step`` rows for the last one's target. Memory begins anew where an
    episode ends within it (Kapturowski et al. 2019).

    Attributes:
        network: Action values from observations and memory.
        returns: How a return is represented, and its loss.
        bootstrap: The target of a transition: max, double or munchausen.
        exploration: The behaviour policy.
        replay: Which sequences are learnt from.
        sync: How the target network follows.
        optimiser: The gradient method.
        gamma: Discount per env step.
        n_step: Rewards summed before the bootstrap.
        burn_in: Rows before those that are learnt from.
        length: Rows of a sequence that are learnt from.
        stride: Rows from one sequence's beginning to the next one's, where they have priorities.
        eta: Share of the greatest TD error in a sequence's priority; the rest is the mean's.
        batch_size: Sequences per gradient update.
        rollout: Rows that each lane collects between two calls of learn.
        updates: Gradient updates in each call of learn.
        learning_starts: Env steps before the first update.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
        legal: Where observations say which actions are allowed, of the environment.
    """

    network: RecurrentNetwork = Recurrent()
    returns: Returns = Transformed()
    bootstrap: Bootstrap = Double()
    exploration: Exploration = EpsilonGreedy()
    replay: Replay = Prioritised(alpha=0.9)
    sync: Sync = Periodic()
    optimiser: OptimiserLike = Adam()
    gamma: Fraction = 0.99
    n_step: Size = 3
    burn_in: Extent = 8
    length: Size = 32
    stride: Size = 16
    eta: Fraction = 0.9
    batch_size: Size = 32
    rollout: Size = 16
    updates: Size = 1
    learning_starts: Onset = 1_000
    rewards: Rewards = Scale()
    average: Averaging | None = None
    legal: Allowed = Legal()

    def check(self) -> None:
        """Look whether the parts fit one another.

        Raises:
            UserError: the replay gives no sequences, or parts do not go together.
        """
        super().check()
        if not isinstance(self.replay, SequenceReplay):
            kind = type_name(type(self.replay))
            raise UserError(f"replay = {kind} gives no sequences, which r2d2 learns from: uniform and prioritised do")

    @property
    def window(self) -> int:
        """Rows of a sequence, those for the last target included."""
        return self.burn_in + self.length + self.n_step

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> DQNLearner:
        """A fresh learner.

        Raises:
            UserError: other actions, or a replay too small for a rollout and a sequence.
        """
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        replay: Any = self.replay
        stored = replay.init(spaces, lanes, self.rollout + self.window, self.memory(spaces))
        target, optimiser = jax.tree.map(jnp.copy, params), self.optimiser.init(params)
        return DQNLearner(params, target, optimiser, stored, jnp.int32(0), **self.begun(params, lanes, key))

    def remember(self, learner: DQNLearner, rows: Row) -> DQNLearner:
        """Store rows [k, lanes]."""
        replay: Any = self.replay
        learner, rows = self.noticed(learner, rows)
        return learner._replace(replay=replay.add(learner.replay, rows, self.window, self.stride))

    def sampler(self, replay: PyTree, bits: Array, clock: Clock) -> Any:
        """(replay, i) -> batch i of sequences, by random ``bits`` (uint32 [updates, batch])."""
        own: Any = self.replay
        return lambda replay, i: own.sequences(replay, bits[i], self.window, clock)

    def update(self, learner: DQNLearner, batch: Batch, clock: Clock = START) -> tuple[DQNLearner, Array, Metrics]:
        """One gradient update on a batch of sequences [batch, window]: (learner, surprises [batch], metrics)."""

        def mean(params: PyTree) -> tuple[Array, tuple[Array, Array]]:
            rows: Any = batch.transition
            keys = of_batch(batch.key, batch.weight.shape)
            mapped = jax.vmap(self.learnt, (None, None, 0, axes(keys), 0))
            learnt = mapped(params, learner.target, rows, keys, batch.index)
            count = jnp.maximum(jnp.sum(learnt.valid), 1)
            loss = jnp.sum(batch.weight * jnp.sum(learnt.loss, axis=1)) / count
            return loss, (jax.vmap(self._surprise)(learnt), jnp.sum(learnt.value) / count)

        return step(self, jax.value_and_grad(mean, has_aux=True)(learner.params), learner, clock)

    def learnt(self, params: PyTree, target: PyTree, rows: Row, keys: Keys | None = None, place: Array = 0) -> Learnt:
        """What one sequence [window] gives, ``before`` being what was remembered before its first row.

        ``place`` is where that row stands in the replay.
        """
        own, *others = parted(keys, 3)
        online, held = (
            self._looked(self.estimate, each, rows, keys) for each, keys in zip((params, target), others, strict=True)
        )
        outputs = self._looked(self.outputs, params, rows, own) if self.random else online.z
        after = jax.tree.map(lambda leaf: leaf[self.burn_in :], rows._replace(before=()))
        scaled = outcome(after, self.gamma)
        both = Estimates(jax.lax.stop_gradient(online), held)

        def one(first: Array) -> tuple[Array, Array, Array]:
            reward, discount, steps = n_step(_at(first + jnp.arange(self.n_step), scaled))
            here, there = _at(first, both), _at(first + steps, both)
            now = Transition(after.obs[first], after.action[first], reward, discount, after.obs[first + steps], place)
            goal = self.bootstrap.target(self.returns, now, here, there)
            z = entry(outputs[first], now.action)
            return self.returns.loss(z, goal), self.returns.td_error(z, goal), self.returns.mean(z)

        valid = ~after.last[: self.length]
        loss, td_error, value = (jnp.where(valid, part, 0.0) for part in jax.vmap(one)(jnp.arange(self.length)))
        return Learnt(loss, td_error, value, valid)

    def _looked(self, look: Callable[..., Any], params: PyTree, rows: Row, keys: Keys | None) -> Any:
        """What ``look`` gives for the rows after the burn-in, through which no gradient goes."""
        start, memory, over = self.burn_in, rows.before, anew(rows)
        first, second = redrawn(keys)
        _, memory = self.unroll(look, params, memory, rows.obs[:start], over[:start], first)
        memory = jax.lax.stop_gradient(memory)
        return self.unroll(look, params, memory, rows.obs[start:], over[start:], second)[0]

    def _surprise(self, learnt: Learnt) -> Array:
        """eta * the greatest |TD error| + (1 - eta) * their mean (section 2.3)."""
        errors = jnp.abs(learnt.td_error)
        mean = jnp.sum(errors) / jnp.maximum(jnp.sum(learnt.valid), 1)
        return self.eta * jnp.max(errors) + (1.0 - self.eta) * mean


def _at(rows: Array, tree: PyTree) -> PyTree:
    """A tree's leaves [k, ...] at one row or some."""
    return jax.tree.map(lambda leaf: leaf[rows], tree)
