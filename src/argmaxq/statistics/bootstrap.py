"""Intervals by resampling: many seeds, or several tasks.

The stratified percentile bootstrap of Agarwal et al. (2021): seeds are drawn again within each task. Efron (1979),
Bootstrap methods: another look at the jackknife.
"""

from collections.abc import Callable

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.statistics.scores import check_level

RESAMPLES = 2_000
AT_ONCE = 4_000_000
"""Numbers that are drawn at once."""


def resampled(scores: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """``count`` tables [count, seeds, tasks], in each of whose columns the seeds of ``scores`` are drawn anew."""
    seeds, tasks = scores.shape
    return np.asarray(scores[generator.integers(seeds, size=(count, seeds, tasks)), np.arange(tasks)])


def percentile_interval(
    statistic: Callable[..., np.ndarray], tables: tuple[np.ndarray, ...], level: float, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends [...] of the interval of ``statistic(*tables)``, each table [seeds, tasks] resampled by itself.

    ``statistic`` maps tables [some, seeds, tasks] to [some, ...]. The same ``seed`` gives the same ends.

    Raises:
        UserError: there are no resamples, or the level is none.
    """
    check_level(level)
    if resamples < 1:
        raise UserError(f"resamples = {resamples}: at least one is needed")
    generator, chunk = np.random.default_rng(seed), max(1, AT_ONCE // max(each.size for each in tables))
    sizes = [min(chunk, resamples - start) for start in range(0, resamples, chunk)]
    found = np.concatenate([statistic(*(resampled(each, size, generator) for each in tables)) for size in sizes])
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
