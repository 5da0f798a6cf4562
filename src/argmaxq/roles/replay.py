"""A replay, and what it keeps of observations."""

from collections.abc import Callable

from typing_extensions import Protocol, runtime_checkable

from argmaxq.spaces import Spaces
from argmaxq.types import Array, Batch, Clock, PyTree, Row


class Replay(Protocol):
    """Time-ordered experience; each observation stored once, n-step windows folded when sampled."""

    def init(self, spaces: Spaces, lanes: int, least: int) -> PyTree:
        """Empty storage; raises UserError where a lane would get fewer than ``least`` rows."""

    def add(self, state: PyTree, rows: Row, n: int) -> PyTree:
        """Append rows [k, lanes]; ``n`` is the window's length, of use to priorities."""

    def cut(self, state: PyTree, lanes: Array) -> PyTree:
        """Make the newest row of these lanes [m] a truncation."""

    def sample(self, state: PyTree, bits: Array, n: int, gamma: Array, clock: Clock) -> Batch:
        """A batch of n-step transitions chosen by random ``bits`` (uint32 [batch])."""

    def batches(
        self, state: PyTree, bits: Array, n: int, gamma: Array, clock: Clock
    ) -> Callable[[PyTree, Array], Batch]:
        """(state, i) -> batch i of ``bits`` [updates, batch]; the state is as the updates before it left it."""

    def reprioritise(self, state: PyTree, index: Array, td_error: Array) -> PyTree:
        """Take notice of new TD errors [batch] of sampled transitions."""


class Storage(Protocol):
    """What a replay keeps of observations, and how it makes them again."""

    @property
    def older(self) -> int:
        """How many rows before its own an observation is made of."""

    def shape(self, spaces: Spaces) -> tuple[int, ...]:
        """What is kept of one observation; raises UserError where it is none of such spaces."""

    def kept(self, obs: Array) -> Array:
        """What is kept of observations [k, lanes, ...]."""

    def read(self, rows: Row, slot: Array, lane: Array, kept: Array) -> Array:
        """The observation in a lane's slot of rows [slots, lanes], of which ``kept`` slots are used in turn."""


@runtime_checkable
class SequenceReplay(Replay, Protocol):
    """A replay that gives whole sequences of rows, too, as recurrent networks learn from."""

    def init(self, spaces: Spaces, lanes: int, least: int, before: PyTree = ()) -> PyTree:
        """Empty storage, also of what is like ``before``, a lane's memory."""

    def add(self, state: PyTree, rows: Row, n: int, stride: int | None = None) -> PyTree:
        """Append rows [k, lanes], of which windows of n begin everywhere, or every ``stride`` rows."""

    def sequences(self, state: PyTree, bits: Array, n: int, clock: Clock) -> Batch:
        """Rows [batch, n] that follow one another, ``before`` being what was remembered before the first."""
