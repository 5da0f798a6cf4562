"""Uniform replay (Lin 1992)."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.component import Count, component
from argmaxq.replay import ring
from argmaxq.replay.ring import Ring
from argmaxq.types import Array, Batch, Clock, Replay, Row, Spaces

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
    """

    capacity: Count = 100_000
    allocation: int | None = None

    def init(self, spaces: Spaces, lanes: int, least: int) -> Ring:
        """Empty storage; raises UserError where a lane would get fewer than ``least`` rows."""
        return ring.allocate(spaces, self.allocation or int(self.capacity), lanes, least)

    def add(self, state: Ring, rows: Row, n: int) -> Ring:
        """Append rows [k, lanes]."""
        return ring.append(state, rows, self.capacity)

    def cut(self, state: Ring, lanes: Array) -> Ring:
        """Make the newest row of these lanes [m] a truncation."""
        return ring.cut(state, lanes, self.capacity)

    def sample(self, state: Ring, bits: Array, n: int, gamma: Array, clock: Clock) -> Batch:
        """Transitions of n steps chosen by ``bits`` (uint32 [batch])."""
        kept = ring.length(state, self.capacity)
        oldest, count = ring.starts(state, self.capacity, n)
        choices = jnp.maximum(count * ring.lanes(state), 1).astype(jnp.uint32)

        def place(bits: Array) -> tuple[Array, Array, Array]:
            number = (bits % choices).astype(jnp.int32)
            slot, lane = (oldest + number // ring.lanes(state)) % kept, number % ring.lanes(state)
            return slot, lane, ~state.rows.last[slot, lane]

        slot, lane, valid = place(bits)
        for _ in range(TRIES - 1):
            bits = remix(bits)
            other_slot, other_lane, other_valid = place(bits)
            slot, lane = jnp.where(valid, slot, other_slot), jnp.where(valid, lane, other_lane)
            valid |= other_valid
        fold: Any = jax.vmap(lambda slot, lane: ring.window(state, slot, lane, n, gamma, kept))
        weight = (valid & (count > 0)).astype(jnp.float32)
        return Batch(fold(slot, lane), weight, slot * ring.lanes(state) + lane)

    def reprioritise(self, state: Ring, index: Array, td_error: Array) -> Ring:
        """Nothing to do: all transitions stay alike."""
        return state
