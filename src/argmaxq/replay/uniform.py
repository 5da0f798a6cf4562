"""Uniform replay (Lin 1992)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Count
from argmaxq.components.component import component
from argmaxq.replay import ring
from argmaxq.replay.ring import Ring
from argmaxq.replay.storage import Whole
from argmaxq.roles import Replay, Storage
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Batch, Clock, PyTree, Row

TRIES = 4
"""Rows drawn for each place of a batch until one is no final observation; a place without one gets weight 0."""


def remix(bits: Array) -> Array:
    """Fresh 32 bits from old ones: a multiply-xorshift permutation of uint32."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(0x846CA68B)
    return (bits ^ (bits >> 16)) + jnp.uint32(0x9E3779B9)


@component(Replay)
class Uniform:
    """Every transition is as likely as any other.

    Attributes:
        capacity: Rows kept, over all lanes; traced, so it may be swept up to the allocation.
        allocation: Rows allocated, over all lanes; none: the capacity.
        storage: What is kept of observations; ``frames`` keeps those that are stacked once.

    Examples:
        >>> from argmaxq.spaces import ArraySpec, DiscreteActions
        >>> spaces = aq.Spaces(ArraySpec((3,), "float32"), DiscreteActions(2))
        >>> replay = Uniform(capacity=1_000)
        >>> state = replay.init(spaces, lanes=4, least=1)
        >>> no = jnp.zeros((2, 4), bool)
        >>> rows = aq.Row(jnp.ones((2, 4, 3)), jnp.zeros((2, 4), jnp.int32), jnp.ones((2, 4)), no, no, no)
        >>> state = replay.add(state, rows, n=1)
        >>> batch = replay.sample(state, jax.random.bits(jax.random.key(0), (5,)), 1, 0.99, aq.Clock())
        >>> batch.transition.obs.shape, batch.transition.reward.tolist()
        ((5, 3), [1.0, 1.0, 1.0, 1.0, 1.0])
    """

    capacity: Count = 100_000
    allocation: int | None = None
    storage: Storage = Whole()

    def init(self, spaces: Spaces, lanes: int, least: int, before: PyTree = ()) -> Ring:
        """Empty storage; raises UserError where a lane would get fewer than ``least`` rows."""
        return ring.allocate(spaces, self.storage, self.capacity, self.allocation, lanes, least, before)

    def add(self, state: Ring, rows: Row, n: int, stride: int | None = None) -> Ring:
        """Append rows [k, lanes]."""
        return ring.append(state, self.storage, rows, self.capacity)

    def cut(self, state: Ring, lanes: Array) -> Ring:
        """Make the newest row of these lanes [m] a truncation."""
        return ring.cut(state, lanes, self.capacity)

    def resized(self, state: Ring, before: Array, n: int) -> Ring:
        """What was stored under another capacity, ``before`` [], for windows of ``n`` rows."""
        return ring.resized(state, self.storage, before, self.capacity)

    def sample(self, state: Ring, bits: Array, n: int, gamma: Array, clock: Clock) -> Batch:
        """Transitions of n steps chosen by ``bits`` (uint32 [batch])."""
        slot, lane, weight, kept = self._places(state, bits, n)
        fold: Any = jax.vmap(lambda slot, lane: ring.window(state, self.storage, slot, lane, n, gamma, kept))
        return Batch(fold(slot, lane), weight, slot * ring.lanes(state) + lane)

    def sequences(self, state: Ring, bits: Array, n: int, clock: Clock) -> Batch:
        """Rows [batch, n] that follow one another; where they begin is chosen by ``bits`` (uint32 [batch])."""
        slot, lane, weight, kept = self._places(state, bits, n)
        read: Any = jax.vmap(lambda slot, lane: ring.sequence(state, self.storage, slot, lane, n, kept))
        return Batch(read(slot, lane), weight, slot * ring.lanes(state) + lane)

    def _places(self, state: Ring, bits: Array, n: int) -> tuple[Array, Array, Array, Array]:
        """Slots and lanes [batch] from which windows of n rows begin, their weights, and the rows kept in a lane."""
        kept = ring.length(state, self.capacity)
        oldest, count = ring.starts(state, self.storage, self.capacity, n)
        choices = jnp.maximum(count * ring.lanes(state), 1).astype(jnp.uint32)

        tries = [bits]
        for _ in range(TRIES - 1):
            tries.append(remix(tries[-1]))
        number = (jnp.stack(tries) % choices).astype(jnp.int32)
        place = (oldest + number // ring.lanes(state)) % kept * ring.lanes(state) + number % ring.lanes(state)
        valid = ~state.rows.last.ravel()[place]
        chosen = place[TRIES - 1]
        for i in reversed(range(TRIES - 1)):
            chosen = jnp.where(valid[i], place[i], chosen)
        slot, lane = chosen // ring.lanes(state), chosen % ring.lanes(state)
        return slot, lane, (jnp.any(valid, axis=0) & (count > 0)).astype(jnp.float32), kept

    def batches(self, state: Ring, bits: Array, n: int, gamma: Array, clock: Clock) -> Callable[[Ring, Array], Batch]:
        """All batches of ``bits`` [updates, batch] are gathered at once: that hides the memory's latency."""
        gathered = jax.vmap(lambda own: self.sample(state, own, n, gamma, clock))(bits)
        return lambda state, i: jax.tree.map(lambda leaf: leaf[i], gathered)

    def ages(self, state: Ring, index: Array) -> Array:
        """How many env steps ago sampled transitions [batch] began."""
        return ring.ages(state, index // ring.lanes(state), self.capacity)

    def reprioritise(self, state: Ring, index: Array, td_error: Array) -> Ring:
        """Nothing to do with TD errors [batch]: all transitions stay alike."""
        return state
