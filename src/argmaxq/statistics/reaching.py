"""How long until a threshold is reached, where some seeds never reach it."""

import warnings

import numpy as np
from scipy import stats

from argmaxq.components.errors import UserError
from argmaxq.statistics.scores import LEVEL, Estimate, check_level
from argmaxq.statistics.trimmed import order_interval

THOMPSON, KAPLAN_MEIER = "order statistics", "Kaplan and Meier's curve, log-log interval"


def first_reached(steps: np.ndarray, values: np.ndarray, threshold: float) -> float | None:
    """The first of env steps [n] at which values [n] are at least ``threshold``; None where they never are.

    Examples:
        >>> first_reached([100, 200, 300], [1.0, 5.0, 7.0], threshold=5.0)
        200.0
    """
    there = np.flatnonzero(np.asarray(values) >= threshold)
    return float(np.asarray(steps)[there[0]]) if there.size else None


def time_to_threshold(times: np.ndarray, reached: np.ndarray, level: float = LEVEL) -> Estimate:
    """The env step by which half of all runs have reached a threshold; infinite where so many never do.

    Where every run that did not reach it went on as long as all that did, the median of the times, of which those that
    are not known count as infinite, and Thompson's (1936) interval. Otherwise Kaplan and Meier's (1958) curve, in which
    a run counts until it was over, and the times when its log-log band holds one half (Brookmeyer and Crowley 1982).

    Args:
        times: [seeds], when the threshold was reached, or else when the run was over.
        reached: [seeds], whether it was.
        level: How sure the interval is to be.

    Raises:
        UserError: there is no time, or times and ``reached`` are not as many.

    Examples:
        >>> time_to_threshold([100, 200, 300, 300, 300], [True, True, True, False, False]).point
        300.0
    """
    when, there = np.asarray(times, np.float64), np.asarray(reached, bool)
    check_level(level)
    if when.shape != there.shape or when.ndim != 1 or not when.size:
        raise UserError(f"times of shape {when.shape} and reached of {there.shape}: one of each for every seed")
    if there.all() or not there.any() or when[~there].min() >= when[there].max():
        known = np.sort(np.where(there, when, np.inf))
        low, high = order_interval(known, level)
        return Estimate(float(known[(len(known) - 1) // 2]), max(low, 0.0), high, THOMPSON, level)
    curve = stats.ecdf(stats.CensoredData(when[there], right=when[~there])).sf
    with warnings.catch_warnings(action="ignore"):  # where none are left log(-log) has no value
        band = curve.confidence_interval(level, method="log-log")
    ends = [np.nan_to_num(each.probabilities, nan=value) for each, value in ((band.low, 0.0), (band.high, 1.0))]
    point, low, high = (_first_half(curve.quantiles, each) for each in (curve.probabilities, *ends))
    return Estimate(point, low, high, KAPLAN_MEIER, level)


def _first_half(times: np.ndarray, left: np.ndarray) -> float:
    """The first of these times at which at most half are left."""
    there = left <= 0.5 + 1e-12
    return float(times[np.argmax(there)]) if there.any() else np.inf
