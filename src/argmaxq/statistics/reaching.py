"""How long until a threshold is reached, where some seeds never reach it."""

import numpy as np
from scipy import stats

from argmaxq.components.errors import UserError
from argmaxq.statistics.scores import LEVEL, Estimate, check_level

KAPLAN_MEIER = "Kaplan and Meier's curve, log-log interval"


def first_reached(steps: np.ndarray, values: np.ndarray, threshold: float) -> float | None:
    """The first of env steps [n] at which values [n] are at least ``threshold``; None where they never are."""
    there = np.flatnonzero(np.asarray(values) >= threshold)
    return float(np.asarray(steps)[there[0]]) if there.size else None


def time_to_threshold(times: np.ndarray, reached: np.ndarray, share: float = 0.5, level: float = LEVEL) -> Estimate:
    """The env step by which this share of runs has reached a threshold; infinite where so many never do.

    Kaplan and Meier's (1958) curve, in which a run that was over before it reached the threshold counts until then; the
    interval holds the times at which its log-log band contains the share (Brookmeyer and Crowley 1982).

    Args:
        times: [seeds], when the threshold was reached, or else when the run was over.
        reached: [seeds], whether it was.
        share: Of all runs; .5 is the median time.
        level: How sure the interval is to be.

    Raises:
        UserError: there is no time, or times and ``reached`` are not as many.
    """
    when, there = np.asarray(times, np.float64), np.asarray(reached, bool)
    check_level(level)
    check_level(share)
    if when.shape != there.shape or when.ndim != 1 or not when.size:
        raise UserError(f"times of shape {when.shape} and reached of {there.shape}: one of each for every seed")
    if not there.any():
        return Estimate(np.inf, float(when.max()), np.inf, KAPLAN_MEIER, level)
    curve = stats.ecdf(stats.CensoredData(when[there], right=when[~there])).sf
    with np.errstate(all="ignore"):  # where all or none are left, log(-log) has no value, and the band is the curve
        band = curve.confidence_interval(level, method="log-log")
    low, high = (np.where(np.isnan(each), curve.probabilities, each) for each in (
        band.low.probabilities, band.high.probabilities))  # fmt: skip
    left, at = 1 - share + 1e-12, curve.quantiles
    return Estimate(*(_first(at, each <= left) for each in (curve.probabilities, low, high)), KAPLAN_MEIER, level)


def _first(times: np.ndarray, below: np.ndarray) -> float:
    return float(times[np.argmax(below)]) if below.any() else np.inf
