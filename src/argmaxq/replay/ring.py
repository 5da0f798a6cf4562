"""Time-ordered storage of rows: every observation once, windows folded when sampled.

Rows of a lane are numbered from 0 as they come and row t lives in slot t % length. Whatever overwrites it is exactly
``length`` rows younger, so a row is present while t >= written - length. Where an observation is made of ``older`` rows
before its own, too, the oldest ones have lost theirs. Before row 0 there was none: that is what a slot marked ``last``
says which has not been written yet.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.components.errors import UserError
from argmaxq.learning.experience import n_step, outcome
from argmaxq.roles import Storage
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree, Row, Transition


class Ring(NamedTuple):
    """Rows in slots that are written in turn.

    Attributes:
        rows: The rows, leading axes [slots, lanes].
        written: How many rows each lane has ever written, int32 [].
    """

    rows: Row
    written: Array


def allocate(
    spaces: Spaces,
    storage: Storage,
    capacity: Array,
    allocation: int | None,
    lanes: int,
    least: int,
    before: PyTree = (),
) -> Ring:
    """Empty storage of ``allocation`` rows over all lanes, or of ``capacity`` [] ones where that is None.

    Each keeps what is like ``before``, one lane's memory.

    Raises:
        UserError: a lane would get, or keep, fewer than ``least`` rows: a rollout and a window; or the storage is not
            for such observations.
    """
    shape, least = storage.shape(spaces), least + storage.older
    given = {"allocation": allocation} if allocation else {}
    if not isinstance(capacity, jax.core.Tracer):
        given["capacity"] = int(capacity)
    for name, rows in given.items():
        if rows // lanes < least:
            needed = f"{lanes} lanes need at least {least * lanes} rows"
            raise UserError(f"agent.replay.{name} = {rows} is too small: {needed}")
    slots = (allocation or int(capacity)) // lanes

    def zeros(shape: tuple[int, ...], dtype: str) -> Array:
        return jnp.zeros((slots, lanes, *shape), dtype)

    empty = Row(
        obs=zeros(shape, spaces.stored.dtype),
        action=zeros(spaces.action.spec.shape, spaces.action.spec.dtype),
        reward=zeros((), "float32"),
        terminated=zeros((), "bool"),
        truncated=zeros((), "bool"),
        last=zeros((), "bool"),
        before=jax.tree.map(lambda leaf: zeros(leaf.shape, leaf.dtype), before),
    )
    made = Ring(empty, jnp.zeros((), jnp.int32))
    return _marked(made, storage, length(made, capacity), True)


def lanes(ring: Ring) -> int:
    """Number of lanes."""
    return int(ring.rows.last.shape[1])


def length(ring: Ring, capacity: Array) -> Array:
    """Rows kept in each lane, []: ``capacity`` [] over all lanes, at most what is allocated, at least 2."""
    return jnp.clip(capacity // lanes(ring), 2, ring.rows.last.shape[0])


def append(ring: Ring, storage: Storage, rows: Row, capacity: Array) -> Ring:
    """Write rows [k, lanes] after the newest ones."""
    rows = rows._replace(obs=storage.kept(rows.obs))
    slot = (ring.written + jnp.arange(rows.last.shape[0])) % length(ring, capacity)
    stored = jax.tree.map(lambda kept, new: kept.at[slot].set(new.astype(kept.dtype)), ring.rows, rows)
    return Ring(stored, ring.written + rows.last.shape[0])


def cut(ring: Ring, lanes: Array, capacity: Array) -> Ring:
    """Make the newest row of these lanes [m] a truncation."""
    newest = (ring.written - 1) % length(ring, capacity)
    return ring._replace(rows=ring.rows._replace(truncated=ring.rows.truncated.at[newest, lanes].set(True)))


def order(ring: Ring, before: Array, after: Array) -> tuple[Array, Array]:
    """Where the rows that stay lie now, oldest first, when the capacity becomes ``after`` (it was ``before``).

    Slots [slots], of which the first ``count`` are meant; and that count.
    """
    kept = length(ring, before)
    count = jnp.minimum(jnp.minimum(ring.written, kept), length(ring, after))
    return (ring.written - count + jnp.arange(ring.rows.last.shape[0])) % kept, count


def resized(ring: Ring, storage: Storage, before: Array, after: Array) -> Ring:
    """The newest rows, numbered anew from 0 on, in the slots that another capacity [] gives them."""
    slots, count = order(ring, before, after)
    moved = Ring(jax.tree.map(lambda leaf: leaf[slots], ring.rows), count.astype(ring.written.dtype))
    return _marked(moved, storage, length(moved, after), False)


def _marked(ring: Ring, storage: Storage, kept: Array, begins: bool) -> Ring:
    """A ring that says whether row 0 is the first one that there ever was, if that matters; ``kept`` is ``length``."""
    if not storage.older:
        return ring
    last = ring.rows.last
    unwritten = jnp.where(ring.written < kept, begins, last[kept - 1])
    return ring._replace(rows=ring.rows._replace(last=last.at[kept - 1].set(unwritten)))


def lost(ring: Ring, storage: Storage, kept: Array) -> Array:
    """How many of the oldest rows have lost rows that their observations were made of, []; ``kept`` is ``length``."""
    if not storage.older:
        return jnp.int32(0)
    whole = (ring.written < kept) & ring.rows.last[kept - 1, 0]
    return jnp.where(whole, 0, storage.older)


def ages(ring: Ring, slot: Array, capacity: Array) -> Array:
    """How many env steps ago, over all lanes, the rows in these slots [batch] were written; the newest: 0."""
    return (ring.written - 1 - slot) % length(ring, capacity) * lanes(ring)


def starts(ring: Ring, storage: Storage, capacity: Array, n: int) -> tuple[Array, Array]:
    """The oldest row number from which a window of n rows and its next observation are present, and how many there are.

    Both are int32 []. The count is 0 or less while the storage is too empty.
    """
    kept = length(ring, capacity)
    oldest = jnp.maximum(0, ring.written - kept) + lost(ring, storage, kept)
    return oldest, ring.written - n - oldest


def window(ring: Ring, storage: Storage, slot: Array, lane: Array, n: int, gamma: Array, kept: Array) -> Transition:
    """The n-step transition that starts in a lane's slot; ``kept`` is ``length``. Everything here is [].

    The fold stops at the episode's first boundary, so an episode's last n - 1 rows are learnt from, too, and no
    return crosses lanes, episodes or the write position.
    """
    following = (slot + jnp.arange(n)) % kept
    flags = jax.tree.map(
        lambda leaf: leaf[following, lane], ring.rows._replace(obs=None, action=None, last=None, before=None)
    )
    reward, discount, steps = n_step(outcome(flags, gamma))
    return Transition(
        obs=storage.read(ring.rows, slot, lane, kept),
        action=ring.rows.action[slot, lane],
        reward=reward,
        discount=discount,
        next_obs=storage.read(ring.rows, (slot + steps) % kept, lane, kept),
    )


def sequence(ring: Ring, storage: Storage, slot: Array, lane: Array, n: int, kept: Array) -> Row:
    """The n rows [n] from a lane's slot on; ``kept`` is ``length``, and ``before`` is that of the first row alone."""
    following = (slot + jnp.arange(n)) % kept
    rows = jax.tree.map(lambda leaf: leaf[following, lane], ring.rows._replace(obs=None, before=()))
    obs = jax.vmap(lambda slot: storage.read(ring.rows, slot, lane, kept))(following)
    return rows._replace(obs=obs, before=jax.tree.map(lambda leaf: leaf[slot, lane], ring.rows.before))
