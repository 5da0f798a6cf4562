"""What stands for many scores: mean, median, interquartile mean, optimality gap, each of scores [seeds, tasks].

As in Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the Statistical Precipice, whose own library
the tests hold these against.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Statistic: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Scores [..., seeds, tasks] -> [...]."""
CUT = 0.25
"""The share of scores that the interquartile mean leaves out at either end."""


def mean(scores: np.ndarray) -> np.ndarray:
    """The mean of all scores."""
    return np.asarray(scores.mean(axis=(-2, -1)))


def median(scores: np.ndarray) -> np.ndarray:
    """The median over tasks of each task's mean; of a single task, the median over its seeds."""
    if scores.shape[-1] == 1:
        return np.asarray(np.median(scores[..., 0], axis=-1))
    return np.asarray(np.median(scores.mean(axis=-2), axis=-1))


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the middle half of all scores of all tasks together, a 25 % trimmed mean."""
    flat = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    cut = trimmed(flat.shape[-1], CUT)
    return np.asarray(flat[..., cut : flat.shape[-1] - cut].mean(axis=-1))


def optimality_gap(best: float) -> Statistic:
    """By how much scores fall short of ``best`` on average; what lies above it counts as ``best``."""
    return lambda scores: np.asarray(best - np.minimum(scores, best).mean(axis=(-2, -1)))


def trimmed(count: int, share: float) -> int:
    """How many of so many values a trimmed mean leaves out at either end."""
    return int(share * count)
