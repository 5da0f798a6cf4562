"""Prioritised replay (Schaul et al. 2016), proportional variant."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Count, Fraction, Positive
from argmaxq.components.component import component
from argmaxq.learning.schedules import Linear, Probability
from argmaxq.replay import ring, sum_tree
from argmaxq.replay.ring import Ring
from argmaxq.replay.storage import Whole
from argmaxq.roles import Replay, Storage
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Batch, Clock, PyTree, Row


class PrioritisedRing(NamedTuple):
    """Rows, the sum tree over (slot, lane) and the largest priority given so far."""

    ring: Ring
    tree: Array
    largest: Array


@component(Replay)
class Prioritised:
    """Transitions are drawn with probability P proportional to (|td_error| + epsilon)^alpha, weighted (N P)^-beta.

    Attributes:
        capacity: Rows kept, over all lanes; traced, so it may be swept up to the allocation.
        allocation: Rows allocated, over all lanes; none: the capacity.
        alpha: Priority exponent; 0 draws uniformly.
        beta: Importance exponent; 1 corrects the bias fully.
        epsilon: Added to the TD error, so that no transition is forgotten.
        storage: What is kept of observations; ``frames`` keeps those that are stacked once.

    A TD error three times as large is drawn three times as often where alpha is 1, and weighs a third:

    Examples:
        >>> from argmaxq.spaces import ArraySpec, DiscreteActions
        >>> spaces = aq.Spaces(ArraySpec((1,), "float32"), DiscreteActions(2))
        >>> replay = Prioritised(capacity=4, alpha=1.0, beta=aq.schedules.Constant(1.0))
        >>> no = jnp.zeros((3, 1), bool)
        >>> rows = aq.Row(jnp.ones((3, 1, 1)), jnp.zeros((3, 1), jnp.int32), jnp.ones((3, 1)), no, no, no)
        >>> state = replay.add(replay.init(spaces, lanes=1, least=2), rows, n=1)
        >>> state = replay.reprioritise(state, jnp.array([0, 1]), td_error=jnp.array([3.0, -1.0]))
        >>> batch = replay.sample(state, jnp.full(4, 2**31, jnp.uint32), 1, 0.99, aq.Clock())
        >>> batch.index.tolist(), [round(float(each), 3) for each in batch.weight]
        ([0, 0, 0, 1], [0.333, 0.333, 0.333, 1.0])
    """

    capacity: Count = 100_000
    allocation: int | None = None
    alpha: Fraction = 0.6
    beta: Probability = Linear(0.4, 1.0, 1.0, per="run")
    epsilon: Positive = 1e-6
    storage: Storage = Whole()

    def init(self, spaces: Spaces, lanes: int, least: int, before: PyTree = ()) -> PrioritisedRing:
        """Empty storage and tree; raises UserError where a lane would get fewer than ``least`` rows."""
        stored = ring.allocate(spaces, self.storage, self.capacity, self.allocation, lanes, least, before)
        return PrioritisedRing(stored, sum_tree.empty(stored.rows.last.size), jnp.float32(1.0))

    def add(self, state: PrioritisedRing, rows: Row, n: int, stride: int | None = None) -> PrioritisedRing:
        """Append rows [k, lanes]; a row gets the largest priority once the n rows after it are there.

        With a ``stride`` they begin sequences, and only every so many rows one does.
        """
        stored = ring.append(state.ring, self.storage, rows, self.capacity)
        kept, lanes = ring.length(stored, self.capacity), ring.lanes(stored)
        new = state.ring.written + jnp.arange(rows.last.shape[0])
        tree = sum_tree.assign(state.tree, _leaves(new % kept, lanes), jnp.zeros(new.shape[0] * lanes))
        tree = self._without_lost(tree, stored, kept)
        ready = new - n
        slot = ready % kept
        begins = (ready % stride == 0)[:, None] if stride else ~stored.rows.last[slot]
        there = ready >= ring.starts(stored, self.storage, self.capacity, n)[0] if self.storage.older else ready >= 0
        startable = jnp.broadcast_to(there[:, None] & begins, (new.shape[0], lanes))
        tree = sum_tree.assign(tree, _leaves(slot, lanes), jnp.where(startable, state.largest, 0.0).ravel())
        return PrioritisedRing(stored, tree, state.largest)

    def _without_lost(self, tree: Array, stored: Ring, kept: Array) -> Array:
        """A tree in which no row has a priority that has lost rows which its observation was made of."""
        if not self.storage.older:
            return tree
        oldest = _leaves((stored.written + jnp.arange(self.storage.older)) % kept, ring.lanes(stored))
        there = ring.lost(stored, self.storage, kept) == 0
        return sum_tree.assign(tree, oldest, jnp.where(there, sum_tree.leaves(tree, oldest), 0.0))

    def cut(self, state: PrioritisedRing, lanes: Array) -> PrioritisedRing:
        """Make the newest row of these lanes [m] a truncation."""
        return state._replace(ring=ring.cut(state.ring, lanes, self.capacity))

    def resized(self, state: PrioritisedRing, before: Array, n: int) -> PrioritisedRing:
        """What was stored under another capacity, ``before`` [], for windows of ``n`` rows."""
        slots, count = ring.order(state.ring, before, self.capacity)
        lanes, every = ring.lanes(state.ring), jnp.arange(slots.shape[0])
        # The newest n rows start no whole window yet: they get their priority when one is there, as in add.
        stored = ring.resized(state.ring, self.storage, before, self.capacity)
        oldest = ring.lost(stored, self.storage, ring.length(stored, self.capacity))
        startable = jnp.repeat((every >= oldest) & (every < count - n), lanes)
        priority = jnp.where(startable, sum_tree.leaves(state.tree, _leaves(slots, lanes)), 0.0)
        tree = sum_tree.assign(jnp.zeros_like(state.tree), _leaves(every, lanes), priority)
        return PrioritisedRing(stored, tree, state.largest)

    def sample(self, state: PrioritisedRing, bits: Array, n: int, gamma: Array, clock: Clock) -> Batch:
        """Transitions of n steps drawn by priority, one from each of equal shares of the total, by ``bits`` [batch]."""
        index, weight = self._places(state, bits, clock)
        kept, lanes = ring.length(state.ring, self.capacity), ring.lanes(state.ring)
        fold: Any = jax.vmap(lambda i: ring.window(state.ring, self.storage, i // lanes, i % lanes, n, gamma, kept))
        return Batch(fold(index), weight, index)

    def sequences(self, state: PrioritisedRing, bits: Array, n: int, clock: Clock) -> Batch:
        """Rows [batch, n] that follow one another, drawn by the priority of the first."""
        index, weight = self._places(state, bits, clock)
        kept, lanes = ring.length(state.ring, self.capacity), ring.lanes(state.ring)
        read: Any = jax.vmap(lambda i: ring.sequence(state.ring, self.storage, i // lanes, i % lanes, n, kept))
        return Batch(read(index), weight, index)

    def _places(self, state: PrioritisedRing, bits: Array, clock: Clock) -> tuple[Array, Array]:
        """Leaves [batch] drawn by priority, and their importance weights."""
        size, total = bits.shape[0], sum_tree.total(state.tree)
        uniform = (jnp.arange(size) + (bits >> 8).astype(jnp.float32) * 2.0**-24) / size
        index = sum_tree.find(state.tree, uniform * total)
        priority = sum_tree.leaves(state.tree, index)
        valid = priority > 0.0
        # (N P)^-beta divided by its largest value in the batch: N and the total cancel.
        rarest = jnp.min(jnp.where(valid, priority, jnp.inf))
        weight = jnp.where(valid, (jnp.where(valid, priority, 1.0) / rarest) ** -self.beta(clock), 0.0)
        return index, weight

    def batches(
        self, state: PrioritisedRing, bits: Array, n: int, gamma: Array, clock: Clock
    ) -> Callable[[PrioritisedRing, Array], Batch]:
        """(state, i) -> batch i of ``bits`` [updates, batch], by priorities that the updates before it have left."""
        return lambda state, i: self.sample(state, bits[i], n, gamma, clock)

    def ages(self, state: PrioritisedRing, index: Array) -> Array:
        """How many env steps ago sampled transitions [batch] began."""
        return ring.ages(state.ring, index // ring.lanes(state.ring), self.capacity)

    def reprioritise(self, state: PrioritisedRing, index: Array, td_error: Array) -> PrioritisedRing:
        """New priorities for sampled transitions, by their TD errors [batch]; those never to be drawn stay so."""
        priority = (jnp.abs(td_error) + self.epsilon) ** self.alpha
        drawable = sum_tree.leaves(state.tree, index) > 0.0
        tree = sum_tree.assign(state.tree, index, jnp.where(drawable, priority, 0.0))
        return state._replace(tree=tree, largest=jnp.maximum(state.largest, jnp.max(priority)))


def _leaves(slot: Array, lanes: int) -> Array:
    """Leaf numbers of all lanes at the given slots, flat."""
    return (slot[:, None] * lanes + jnp.arange(lanes)).ravel()
