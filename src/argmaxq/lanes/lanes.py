"""What the host engine needs of an environment: several lanes stepped together, one row each per call."""

from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from argmaxq.lanes.masks import Mask
from argmaxq.spaces import Spaces


class Learnt(NamedTuple):
    """What learning is told in place of a step's reward (float32) and termination, [lanes] each."""

    reward: np.ndarray
    terminated: np.ndarray


class Unseen(NamedTuple):
    """Steps that were played where the action was to be ignored, [lanes] each: an episode's first ones.

    ``played`` says where, and ``reward`` (float32) what they gave, 0 elsewhere.
    """

    played: np.ndarray
    reward: np.ndarray


class Step(NamedTuple):
    """What followed an action in every lane; each leaf has leading axis lanes.

    ``last`` is the mark of the *next* row: ``obs`` is an episode's final observation and the next call's action will
    be ignored, returning the new episode's first observation with reward 0 and both flags false. ``reward`` is float32.
    ``success`` is what the environment says of it, if it does. ``learnt`` is there where it is another.

    Where an episode ended and ``last`` is false, ``obs`` is the next one's first observation already; ``final`` is
    there where lanes show no final observations, and has them. ``unseen`` is there where something was played unseen.
    """

    obs: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    last: np.ndarray
    success: np.ndarray | None = None
    learnt: Learnt | None = None
    unseen: Unseen | None = None
    final: np.ndarray | None = None

    @property
    def begins(self) -> np.ndarray:
        """Where ``obs`` is an episode's first observation with no ``last`` row before it, bool [lanes]."""
        return (self.terminated | self.truncated) & ~self.last


class Lanes(Protocol):
    """Copies of an environment, with next-step autoreset whatever the source's own mode is."""

    spaces: Spaces
    lanes: int
    offered: Mask
    """Where the environment seems to tell which actions are allowed, once it was reset."""

    def reset(self, seed: int) -> np.ndarray:
        """Start every lane's first episode, all randomness from ``seed``; returns observations [lanes, ...]."""

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane; ``actions`` are the agent's own, [lanes, ...]."""

    def save(self) -> dict[str, Any]:
        """What ``restore`` needs, as a (nested) dict of JSON values and arrays."""

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """Go back to a saved moment. Returns the lanes that could not be restored, whose episode is over.

        Such a lane shows the saved observation, which is its episode's final one, and the next step's action is ignored
        there: it returns a fresh episode's first observation, as after any other end.
        """

    def mark(self) -> Any:
        """This moment, at hardly any cost, for ``rewind`` before the next but one mark."""

    def rewind(self, mark: Any) -> None:
        """Go back to a mark, for ``save`` alone: an exception has come out of a step since."""

    def observe(self) -> np.ndarray:
        """The current observations [lanes, ...]: those of the latest ``reset``, ``step`` or ``restore``."""

    def close(self) -> None:
        """Free windows, processes and threads."""


class Apart(Protocol):
    """Lanes of which some step while an agent acts in the others, so that what it does depends on no timing.

    Every episode's end is followed by a ``last`` row.
    """

    parts: tuple[slice, ...]
    """Lanes that are stepped together: all of them, one part after the other."""

    def send(self, part: slice, actions: np.ndarray) -> None:
        """Act in one part's lanes; ``actions`` [its lanes, ...]. What was sent there before has been received."""

    def receive(self, part: slice) -> Step:
        """Wait for what followed there, leaves [its lanes, ...]; parts are received in the order of sending."""


def apart(lanes: Lanes) -> Apart | None:
    """Lanes that step in several parts, or None where all step at once."""
    return cast(Apart, lanes) if len(getattr(lanes, "parts", ())) > 1 else None


def begun(obs: np.ndarray) -> Step:
    """The step to fresh episodes in every lane: first observations [lanes, ...] and nothing else."""
    no = np.zeros(len(obs), np.bool_)
    return Step(obs, np.zeros(len(obs), np.float32), no, no.copy(), no.copy())
