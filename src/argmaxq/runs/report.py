"""What a block of training tells of itself."""

from typing import NamedTuple

import numpy as np


class Finished(NamedTuple):
    """Episodes that ended in a block, in time order: env step (all lanes), return, length; arrays [episodes]."""

    step: np.ndarray
    returns: np.ndarray
    lengths: np.ndarray


class Report(NamedTuple):
    """What one seed's block of iterations gave. ``metrics`` are means over the block's learning iterations.

    ``faults`` are what the environment did that nobody can learn from, and at which env step.
    """

    step: int
    updates: int
    episodes: Finished
    metrics: dict[str, float]
    faults: tuple[str, ...] = ()


def joined(before: Report, after: Report) -> Report:
    """The report on two parts of a block; metrics and updates of the later one are those of both."""
    episodes = Finished(*(np.concatenate(pair) for pair in zip(before.episodes, after.episodes, strict=True)))
    return after._replace(episodes=episodes, faults=before.faults or after.faults)
