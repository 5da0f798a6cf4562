"""How agents learn that draw batches from a replay, whatever one update does."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from argmaxq.types import Array, Batch, Clock, Metrics, Row


class Replaying:
    """Remembers rows, and then ``updates`` times: sample, update, reprioritise.

    The learner is a NamedTuple with a field ``replay``; ``update`` takes a batch and returns (learner, TD errors,
    metrics).
    """

    measured: ClassVar[tuple[str, ...]] = ("loss", "q")
    """The metrics of one update."""
    replay: Any
    exploration: Any
    gamma: Any
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
        return learner._replace(replay=self.replay.add(learner.replay, rows, self.n_step))

    def cut(self, learner: Any, lanes: Array) -> Any:
        """Make the newest row of these lanes [m] a truncation."""
        return learner._replace(replay=self.replay.cut(learner.replay, lanes))

    def sampler(self, replay: Any, bits: Array, clock: Clock) -> Callable[[Any, Array], Batch]:
        """(replay, i) -> batch i of ``bits`` [updates, batch]."""
        own: Callable[[Any, Array], Batch] = self.replay.batches(replay, bits, self.n_step, self.gamma, clock)
        return own

    def draw(self, key: jax.Array, lanes: int) -> Array:
        """Random bits [updates, batch] that choose what is replayed."""
        return jax.random.bits(key, (self.updates, self.batch_size))

    def updates_in(self, lanes: int) -> int:
        """Gradient updates in one call of ``learn``."""
        return int(self.updates)

    def update(self, learner: Any, batch: Any, clock: Clock) -> tuple[Any, Array, Metrics]:
        """One update on one batch: (learner, TD errors [batch], metrics)."""
        raise NotImplementedError

    def learn(self, learner: Any, rows: Row, next_obs: Array, clock: Clock, bits: Array) -> tuple[Any, Metrics]:
        """``updates`` times: sample, update, reprioritise. None before ``learning_starts``."""
        updates = jnp.where(clock.step >= self.learning_starts, self.updates, 0)
        sampled = self.sampler(learner.replay, bits, clock)

        def once(i: Array, carry: tuple[Any, Metrics]) -> tuple[Any, Metrics]:
            learner, total = carry
            batch = sampled(learner.replay, i)
            learner, td_error, metrics = self.update(learner, batch, clock)
            replay = self.replay.reprioritise(learner.replay, batch.index, td_error)
            return learner._replace(replay=replay), jax.tree.map(jnp.add, total, metrics)

        zero = {name: jnp.float32(0) for name in self.measured}
        learner, total = jax.lax.fori_loop(0, updates, once, (learner, zero))
        means = jax.tree.map(lambda sum_: sum_ / jnp.maximum(updates, 1), total)
        return learner, {**means, **self.exploration.report(clock), "updates": updates}
