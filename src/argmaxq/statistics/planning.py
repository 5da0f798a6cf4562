"""How many seeds are enough: for an interval that holds most runs, and to tell two settings apart."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from argmaxq.components.errors import UserError
from argmaxq.statistics.scores import LEVEL, Estimate, Scores, check_level, table

MOST = 1_000_000
POWER = 0.8


def tolerance_interval(scores: Scores, share: float = 0.9, level: float = LEVEL) -> Estimate:
    """An interval that holds at least this share of all runs, of scores [seeds], as sure as ``level``.

    Between two of the ordered scores, whatever their distribution: Wilks (1941), Determination of sample sizes for
    setting tolerance limits. The point is the median.

    Raises:
        UserError: there are too few seeds, 46 for 90 % and 95 %, or several tasks.

    Examples:
        >>> tolerance_interval(range(46))[:3]
        (22.5, 0.0, 45.0)
    """
    found = table(scores)
    if found.shape[1] > 1:
        raise UserError(f"scores of {found.shape[1]} tasks: a tolerance interval is of one")
    needed, count = seeds_for_tolerance(share, level), len(found)
    if count < needed:
        raise UserError(
            f"{needed} seeds are needed to be {100 * level:g} % sure of where {100 * share:g} % of runs lie; "
            f"there are {count}"
        )
    # Between the k-th of the ordered scores and the k-th from the end lie Beta(n + 1 - 2 k, 2 k) of all runs.
    out = max(k for k in range(1, count // 2 + 1) if _sure(count, k, share) >= level)
    ordered = np.sort(found[:, 0])
    method = f"order statistics, {100 * share:g} % of runs"
    return Estimate(float(np.median(ordered)), float(ordered[out - 1]), float(ordered[count - out]), method, level)


def seeds_for_tolerance(share: float = 0.9, level: float = LEVEL) -> int:
    """How many seeds must lie between the least and the greatest score for that to be a tolerance interval.

    Raises:
        UserError: ``share`` or ``level`` is not between 0 and 1, or a million seeds are not enough.

    Examples:
        >>> seeds_for_tolerance(share=0.9, level=0.95)  # 1 - 0.9^46 - 46 * 0.1 * 0.9^45 is 0.9519
        46
    """
    check_level(share)
    check_level(level)
    return _least(lambda count: _sure(count, 1, share) >= level)


def seeds_to_tell_apart(difference: float, deviation: float, level: float = LEVEL, power: float = POWER) -> int:
    """How many seeds each of two settings needs for a difference to be found with probability ``power``.

    Of a two-sided t test of two means with equal numbers of seeds, as in Colas et al. (2018), How many random seeds?
    Cohen (1988), Statistical power analysis, section 2.

    Args:
        difference: Between the true means.
        deviation: The standard deviation of one setting's seeds; of two settings, the root of their mean variance.
        level: 1 minus the probability of finding a difference where there is none.
        power: The probability of finding it.

    Raises:
        UserError: the difference is 0, or no number of seeds up to a million is enough.

    Examples:
        >>> seeds_to_tell_apart(difference=100.0, deviation=100.0)
        17
    """
    check_level(level)
    check_level(power)
    if not (np.isfinite(difference) and np.isfinite(deviation)) or difference == 0 or deviation < 0:
        raise UserError(f"a difference of {difference} at a deviation of {deviation} cannot be planned for")
    size = abs(difference) / deviation if deviation else np.inf
    return 2 if np.isinf(size) else _least(lambda count: _power(count, size, level) >= power)


def pooled_deviation(first: Scores, second: Scores) -> float:
    """The root of the mean of two settings' variances.

    Scores are [seeds] or [seeds, tasks].

    Examples:
        >>> pooled_deviation([1.0, 3.0], [10.0, 14.0])  # the root of (2 + 8) / 2
        2.23606797749979
    """
    return float(np.sqrt(np.mean([np.var(np.asarray(each, np.float64), ddof=1) for each in (first, second)])))


def _sure(count: int, out: int, share: float) -> float:
    return float(stats.beta.sf(share, count + 1 - 2 * out, 2 * out)) if count + 1 > 2 * out else 0.0


def _power(count: int, size: float, level: float) -> float:
    freedom, shift = 2 * count - 2, size * (count / 2) ** 0.5
    edge = stats.t.ppf((1 + level) / 2, freedom)
    # The chance of an error of sign is left out: it counts against the power, and SciPy's has no value far out.
    return float(stats.nct.sf(edge, freedom, shift)) if shift < 30 else 1.0


def _least(enough: Callable[[int], bool]) -> int:
    """The least number from 2 on that is enough, where every greater one is, too; raises UserError beyond ``MOST``."""
    high = 2
    while not enough(high):
        high *= 2
        if high > MOST:
            raise UserError(f"more than {MOST:,} seeds would be needed")
    low = high // 2  # is not enough, or is 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
