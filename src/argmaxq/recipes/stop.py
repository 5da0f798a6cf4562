"""When a run may end before its last step."""

from collections.abc import Sequence
from typing import Annotated, Protocol

import numpy as np

from argmaxq.components.annotations import Bounds, Number
from argmaxq.components.component import component

RECENT = 100
"""Training episodes that are remembered, and that a mean return is over."""


class Stop(Protocol):
    """When a run may end before its last step."""

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        """Judge the returns of training episodes so far, the newest last, and of the latest evaluation [episodes]."""


@component(Stop)
class Never:
    """Train to the last step."""

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        """Never, whatever the latest evaluation [episodes] gave."""
        return False


@component(Stop)
class TrainingReturn:
    """Solved when the mean return of the newest training episodes reaches a threshold.

    Attributes:
        threshold: The mean return to reach.
        episodes: How many episodes the mean is over, at most 100.
    """

    threshold: Number = 200.0
    episodes: Annotated[int, Bounds(1, RECENT)] = RECENT

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        """Whether the newest episodes' mean return is as high as ``threshold``; no evaluation [episodes] is asked."""
        newest = list(returns)[-self.episodes :]
        return len(newest) == self.episodes and float(np.mean(newest)) >= self.threshold


@component(Stop)
class EvaluationReturn:
    """Solved when the mean return of an evaluation reaches a threshold.

    Attributes:
        threshold: The mean return to reach.
    """

    threshold: Number = 200.0

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        """Whether the mean return of the latest evaluation [episodes] is as high as ``threshold``."""
        return evaluation is not None and float(np.mean(evaluation)) >= self.threshold
