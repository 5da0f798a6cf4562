"""With which probability a run of one kind scores more than a run of another."""

import numpy as np
from scipy import optimize, stats

from argmaxq.components.errors import UserError
from argmaxq.statistics.bootstrap import RESAMPLES, percentile_interval
from argmaxq.statistics.estimates import BOOTSTRAP
from argmaxq.statistics.scores import LEVEL, Estimate, Scores, check_level, table

NEWCOMBE = "Newcombe's score interval"
NEAR = 1e-9
"""Shares of 0 and 1 are roots of the equation, too, and not the ones that are looked for."""


def probability_of_improvement(
    first: Scores, second: Scores, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """P(a run of ``second`` scores more than a run of ``first``), equal ones counted half; over tasks its mean.

    Mann and Whitney's U over the number of pairs, as in Agarwal et al. (2021). Its interval is Newcombe's (2006),
    Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2, method 5, which has a
    width also where all pairs agree; over several tasks the stratified bootstrap's.

    Args:
        first: [seeds] or [seeds, tasks].
        second: Of as many tasks; the numbers of seeds may differ.
        level: How sure the interval is to be.
        resamples: Of the bootstrap.
        seed: Of its random numbers.

    Raises:
        UserError: the tasks are not as many, or a score is no finite number.

    Examples:
        >>> probability_of_improvement([1.0, 3.0], [2.0, 4.0]).point  # three of four pairs
        0.75
    """
    one, other = table(first), table(second)
    check_level(level)
    if one.shape[1] != other.shape[1]:
        raise UserError(f"scores of {one.shape[1]} tasks and of {other.shape[1]} cannot be compared")
    point = float(_wins(one, other))
    if one.shape[1] > 1:
        low, high = percentile_interval(_wins, (one, other), level, resamples, seed)
        return Estimate(point, float(low), float(high), BOOTSTRAP, level)
    return Estimate(point, *_newcombe(point, len(one), len(other), level), NEWCOMBE, level)


def _wins(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The share of pairs [..., seeds, tasks] that the second wins, the mean over tasks."""
    one, other = first[..., :, np.newaxis, :], second[..., np.newaxis, :, :]
    return np.asarray((0.5 * ((other > one).mean((-3, -2)) + (other >= one).mean((-3, -2)))).mean(-1))


def _newcombe(share: float, first: int, second: int, level: float) -> tuple[float, float]:
    """Where |share - p| = z * sd(p), with Hanley and McNeil's variance for exponential scores of equal numbers."""
    z, extra = float(stats.norm.ppf((1 + level) / 2)), (first + second) / 2 - 1

    def beyond(p: float) -> float:
        variance = p * (1 - p) * (1 + extra * ((1 - p) / (2 - p) + p / (1 + p))) / (first * second)
        return (share - p) ** 2 - z**2 * variance

    low = float(optimize.brentq(beyond, 0.0, min(share, 1 - NEAR))) if share > 0 else 0.0
    high = float(optimize.brentq(beyond, max(share, NEAR), 1.0)) if share < 1 else 1.0
    return low, high
