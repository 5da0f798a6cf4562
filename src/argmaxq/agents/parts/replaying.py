"""How agents learn that draw batches from a replay, whatever one update does."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.copies import ready, unready
from argmaxq.agents.parts.following import Following
from argmaxq.agents.parts.gauging import SAMPLES, after_update, health
from argmaxq.learning.diagnostics import td_error_quantiles
from argmaxq.types import Array, Batch, Clock, Metrics, Row


class Drawn(NamedTuple):
    """Random bits [updates, batch] that choose what is replayed, and keys [updates] of a network that is random."""

    bits: Array
    keys: Array | None


class Replaying(Following):
    """Remembers rows, and then ``updates`` times: sample, update, reprioritise.

    The learner has a field ``replay``, too; ``update`` takes a batch, whose rewards are as they are learnt, and returns
    (learner, TD errors, metrics).
    """

    measured: ClassVar[tuple[str, ...]] = ("loss", "q")
    """The metrics of one update."""
    random: Any
    replay: Any
    exploration: Any
    n_step: Any
    batch_size: Any
    updates: Any
    learning_starts: Any

    @property
    def window(self) -> int:
        """Rows that follow one another in what is drawn from the replay."""
        return int(self.n_step)

    def remember(self, learner: Any, rows: Row) -> Any:
        """Store rows [k, lanes] in the replay."""
        learner, rows = self.noticed(learner, rows)
        return learner._replace(replay=self.replay.add(learner.replay, rows, self.n_step))

    def cut(self, learner: Any, lanes: Array) -> Any:
        """Make the newest row of these lanes [m] a truncation."""
        return learner._replace(replay=self.replay.cut(learner.replay, lanes))

    def sampler(self, replay: Any, bits: Array, clock: Clock) -> Callable[[Any, Array], Batch]:
        """(replay, i) -> batch i of ``bits`` [updates, batch]."""
        own: Callable[[Any, Array], Batch] = self.replay.batches(replay, bits, self.n_step, self.gamma, clock)
        return own

    def draw(self, key: jax.Array, lanes: int) -> Drawn:
        """The random numbers of all updates."""
        keys = jax.random.split(jax.random.fold_in(key, 1), self.updates) if self.random else None
        return Drawn(jax.random.bits(key, (self.updates, self.batch_size)), keys)

    def updates_in(self, lanes: int) -> int:
        """Gradient updates in one call of ``learn``."""
        return int(self.updates)

    def update(self, learner: Any, batch: Any, clock: Clock) -> tuple[Any, Array, Metrics]:
        """One update on one batch: (learner, TD errors [batch], metrics)."""
        raise NotImplementedError

    def learn(self, learner: Any, rows: Row, next_obs: Array, clock: Clock, drawn: Drawn) -> tuple[Any, Metrics]:
        """``updates`` times: sample, update, reprioritise; none before ``learning_starts`` env steps.

        Rows are [k, lanes], ``next_obs`` is [lanes, ...].
        """
        updates = jnp.where(clock.step >= self.learning_starts, self.updates, 0)
        sampled = self.sampler(learner.replay, drawn.bits, clock)

        def once(i: Array, carry: tuple[Any, Metrics]) -> tuple[Any, Metrics]:
            learner, total = carry
            batch, before = self._as_learnt(learner, sampled(learner.replay, i), drawn, i), learner.params
            learner, td_error, metrics = self.update(learner, batch, clock)
            learner = self.followed(learner, before)
            replay = self.replay.reprioritise(learner.replay, batch.index, td_error)
            return ready(self, learner._replace(replay=replay)), jax.tree.map(jnp.add, total, metrics)

        before = learner
        zero = {name: jnp.float32(0) for name in self.measured}
        learner, total = jax.lax.fori_loop(0, updates, once, (ready(self, learner), zero))
        learner = self.renewed(unready(learner), before, next_obs[0])
        means = jax.tree.map(lambda sum_: sum_ / jnp.maximum(updates, 1), total)
        return learner, {**means, **self.exploration.report(clock), "updates": updates}

    def gauge(self, learner: Any, clock: Clock, key: jax.Array) -> Metrics:
        """Diagnostics of one more update, which is not kept, and of the networks at states of the replay."""
        first, second = jax.random.split(key)
        drawn = self.draw(first, 1)
        sampled = self.sampler(learner.replay, drawn.bits[:1], clock)(learner.replay, 0)
        batch = self._as_learnt(learner, sampled, drawn, 0)
        bits = jax.random.bits(second, (SAMPLES,))
        shown = self.replay.sample(learner.replay, bits, self.n_step, self.gamma, clock)
        after, td_error, found = after_update(self, learner, lambda agent, own: agent.update(own, batch, clock)[:2])
        if hasattr(self.replay, "ages"):
            found["replay_age"] = jnp.mean(self.replay.ages(learner.replay, shown.index))
        found |= td_error_quantiles(td_error, batch.weight)
        return found | health(self, learner, after, shown.transition.obs, shown.transition.action, clock)

    def _as_learnt(self, learner: Any, batch: Batch, drawn: Drawn, update: Array | int) -> Batch:
        """A sampled batch with its rewards as they are learnt, and this update's key."""
        reward = self.total(learner, batch.transition.reward)
        key = None if drawn.keys is None else drawn.keys[update]
        return batch._replace(transition=batch.transition._replace(reward=reward), key=key)
