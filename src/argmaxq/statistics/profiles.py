"""Performance profiles: which share of scores is above each threshold (Dolan and Moré 2002; Agarwal et al. 2021)."""

from typing import NamedTuple

import numpy as np

from argmaxq.statistics.bootstrap import RESAMPLES, percentile_interval
from argmaxq.statistics.scores import LEVEL, Scores, table


class Profile(NamedTuple):
    """Which share of scores is above each threshold.

    Attributes:
        thresholds: [thresholds].
        share: The share of scores above each, [thresholds].
        low: The lower end of its pointwise interval, [thresholds].
        high: The upper end, [thresholds].
    """

    thresholds: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def performance_profile(
    scores: Scores, thresholds: np.ndarray, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Profile:
    """The run-score distribution of scores [seeds] or [seeds, tasks], with a stratified bootstrap's interval.

    Raises:
        UserError: a score is no finite number, or there is none.

    Examples:
        >>> found = performance_profile([1.0, 2.0, 3.0, 4.0], thresholds=[0.0, 2.5, 9.0])
        >>> found.share.tolist()
        [1.0, 0.5, 0.0]
    """
    found, at = table(scores), np.asarray(thresholds, np.float64)

    def above(tables: np.ndarray) -> np.ndarray:
        return np.stack([(tables > threshold).mean(axis=(-2, -1)) for threshold in at], axis=-1)

    low, high = percentile_interval(above, (found,), level, resamples, seed)
    return Profile(at, above(found), low, high)
