"""A figure of many seeds with its interval, made as suits how many seeds and tasks there are."""

from functools import partial
from typing import Any

import numpy as np

from argmaxq.statistics import points
from argmaxq.statistics.bootstrap import RESAMPLES, percentile_interval
from argmaxq.statistics.points import CUT, Statistic
from argmaxq.statistics.scores import LEVEL, Estimate, Scores, check_level, table
from argmaxq.statistics.trimmed import difference, order_interval, t_interval, trimmed_mean

MANY = 50
"""Seeds from which on the bootstrap alone covers what it promises; docs/statistics.md has the simulations."""
STUDENT, WELCH = "Student's t", "Welch's t"
TUKEY, YUEN = "the wider of Tukey and McLaughlin's t and the bootstrap", "the wider of Yuen's t and the bootstrap"
ORDER, BOOTSTRAP, TOO_FEW = "order statistics", "stratified bootstrap", "too few seeds for an interval"
CUTS = {"mean": 0.0, "interquartile mean": CUT}
"""What is compared, and the share that it leaves out at either end."""
OF: dict[str, Statistic] = {"mean": points.mean, "interquartile mean": points.interquartile_mean}


def mean(scores: Scores, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The mean; Student's t for fewer than 50 seeds of one task, else the stratified bootstrap.

    Args:
        scores: [seeds] or [seeds, tasks].
        level: How sure the interval is to be.
        resamples: Of the bootstrap.
        seed: Of its random numbers: the same seed gives the same interval.

    Raises:
        UserError: a score is no finite number, or there is none.

    Examples:
        >>> found = mean([1.0, 2.0, 3.0])
        >>> found.point, round(found.low, 2), round(found.high, 2)  # 2 -+ 4.3027 / sqrt(3)
        (2.0, -0.48, 4.48)
    """
    return _located(points.mean, table(scores), 0.0, STUDENT, level, resamples, seed)


def interquartile_mean(scores: Scores, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The mean of the middle half of all scores (Agarwal et al. 2021), less moved by a few bad seeds than the mean.

    For fewer than 50 seeds of one task Tukey and McLaughlin's t (1963), reaching at least as far as the bootstrap,
    since of scores with two peaks t knows nothing of the other one; else the stratified bootstrap. Arguments are
    those of ``mean``, scores [seeds] or [seeds, tasks].

    Raises:
        UserError: a score is no finite number, or there is none.

    Examples:
        >>> interquartile_mean([0.0, 1.0, 3.0, 100.0]).point
        2.0
    """
    return _located(points.interquartile_mean, table(scores), CUT, TUKEY, level, resamples, seed)


def median(scores: Scores, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """The median over tasks of each task's mean, by the stratified bootstrap; of one task, the median over seeds.

    There its interval lies between ordered scores (Thompson 1936), which needs six seeds at 95 %. Arguments are those
    of ``mean``, scores [seeds] or [seeds, tasks].

    Raises:
        UserError: a score is no finite number, or there is none.

    Examples:
        >>> median([5.0, 1.0, 4.0, 2.0, 3.0, 6.0])[:3]
        (3.5, 1.0, 6.0)
    """
    found = table(scores)
    check_level(level)
    if found.shape[1] > 1:
        return _bootstrapped(points.median, found, level, resamples, seed)
    low, high = order_interval(found[:, 0], level)
    return Estimate(float(points.median(found)), low, high, ORDER if np.isfinite(low) else TOO_FEW, level)


def optimality_gap(
    scores: Scores, best: float, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """By how much scores fall short of the best known one on average (Agarwal et al. 2021).

    Arguments are those of ``mean``, scores [seeds] or [seeds, tasks].

    Raises:
        UserError: a score is no finite number, or there is none.

    Examples:
        >>> optimality_gap([7.0, 9.0, 12.0], best=10.0).point
        1.3333333333333333
    """
    found = table(scores)
    if found.shape[1] > 1 or len(found) >= MANY:
        return _bootstrapped(points.optimality_gap(best), found, level, resamples, seed)
    return mean(best - np.minimum(found, best), level, resamples, seed)


def improvement(
    first: Scores,
    second: Scores,
    of: str = "interquartile mean",
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """By how much the mean, or interquartile mean, of ``second`` exceeds that of ``first``.

    Welch's t (1947), or Yuen's (1974) that reaches at least as far as the bootstrap, where either has fewer than 50
    seeds of one task, else the stratified bootstrap. Scores are [seeds] or [seeds, tasks].

    Raises:
        UserError: a score is no finite number, or the tasks are not as many.

    Examples:
        >>> improvement([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], of="mean").point
        3.0
    """
    tables = table(first), table(second)
    check_level(level)
    point = float(_more(of, *tables))
    if min(map(len, tables)) == 1:
        return Estimate(point, -np.inf, np.inf, TOO_FEW, level)
    drawn = partial(percentile_interval, partial(_more, of), tables, level, resamples, seed)
    if tables[0].shape[1] > 1 or min(map(len, tables)) >= MANY:
        return _within(point, BOOTSTRAP, level, drawn())
    ends = t_interval(difference(*(trimmed_mean(each[:, 0], CUTS[of]) for each in tables)), level)
    return _within(point, YUEN, level, ends, drawn()) if CUTS[of] else _within(point, WELCH, level, ends)


def _more(of: str, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(OF[of](other) - OF[of](one))


def _located(
    statistic: Statistic, scores: np.ndarray, cut: float, method: str, level: float, resamples: int, seed: int
) -> Estimate:
    check_level(level)
    if scores.shape[1] > 1 or len(scores) >= MANY or len(scores) == 1:
        return _bootstrapped(statistic, scores, level, resamples, seed)
    ends: list[tuple[Any, Any]] = [t_interval(trimmed_mean(scores[:, 0], cut), level)]
    if cut:
        ends.append(percentile_interval(statistic, (scores,), level, resamples, seed))
    return _within(float(statistic(scores)), method, level, *ends)


def _bootstrapped(statistic: Statistic, scores: np.ndarray, level: float, resamples: int, seed: int) -> Estimate:
    point = float(statistic(scores))
    if len(scores) == 1:
        return Estimate(point, -np.inf, np.inf, TOO_FEW, level)
    return _within(point, BOOTSTRAP, level, percentile_interval(statistic, (scores,), level, resamples, seed))


def _within(point: float, method: str, level: float, *ends: tuple[Any, Any]) -> Estimate:
    """The estimate whose interval holds all of these."""
    low, high = min(float(low) for low, _ in ends), max(float(high) for _, high in ends)
    return Estimate(point, low, high, method, level)
