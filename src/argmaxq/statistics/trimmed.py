"""Student's t for means and trimmed means of a few seeds of one task, and for their differences.

Tukey and McLaughlin (1963), Less vulnerable confidence and significance procedures for location based on a single
sample; for two samples Yuen (1974), The two-sample trimmed t for unequal population variances. Trimming nothing makes
these Student's and Welch's.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from argmaxq.statistics.points import trimmed


class Trimmed(NamedTuple):
    """A trimmed mean: its value, its squared standard error, and the degrees of freedom of that."""

    value: float
    variance: float
    freedom: float


def trimmed_mean(scores: np.ndarray, cut: float) -> Trimmed:
    """The mean [seeds] -> () without the share ``cut`` at either end; needs two seeds that are kept."""
    ordered, out = np.sort(scores), trimmed(len(scores), cut)
    kept = len(ordered) - 2 * out
    middle = ordered[out : len(ordered) - out]
    winsorised = np.clip(ordered, middle[0], middle[-1])
    # Yuen's form of the squared standard error; with Tukey and McLaughlin's, (1 - 2 cut) n stands for what is kept.
    variance = float(winsorised.var(ddof=1)) * (len(ordered) - 1) / (kept * (kept - 1))
    return Trimmed(float(middle.mean()), variance, kept - 1.0)


def difference(first: Trimmed, second: Trimmed) -> Trimmed:
    """``second`` minus ``first`` of independent samples, with Welch's degrees of freedom."""
    variance = first.variance + second.variance
    parts = sum(each.variance**2 / each.freedom for each in (first, second) if each.variance > 0)
    freedom = variance**2 / parts if parts else first.freedom + second.freedom
    return Trimmed(second.value - first.value, variance, freedom)


def t_interval(found: Trimmed, level: float) -> tuple[float, float]:
    """The interval's ends."""
    half = float(stats.t.ppf((1 + level) / 2, found.freedom)) * found.variance**0.5
    return found.value - half, found.value + half


def order_interval(scores: np.ndarray, level: float) -> tuple[float, float]:
    """The median's, between two of the ordered scores [seeds]: at least as sure as ``level`` whatever the distribution.

    Thompson (1936), On confidence ranges for the median. Below 6 seeds no 95 % interval exists, so it has no ends.
    """
    count = len(scores)
    out = int(stats.binom.ppf((1 - level) / 2, count, 0.5))  # P(fewer than this many below the median) < (1 - level)/2
    if out < 1:
        return -np.inf, np.inf
    ordered = np.sort(scores)
    return float(ordered[out - 1]), float(ordered[count - out])
