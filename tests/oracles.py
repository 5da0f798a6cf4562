"""What learning parts are held against: plain Python models, closed forms, and rlax."""

import math
import warnings
from typing import Any, NamedTuple

import jax
import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # rlax's own dependencies use deprecated parts of JAX
    import rlax

from argmaxq.types import Clock

__all__ = ["Fold", "chi_square", "clock", "fold", "leaves_equal", "rlax"]


class Fold(NamedTuple):
    """An n-step window folded: return so far, discount of what follows, rows used."""

    reward: float
    discount: float
    steps: int


def fold(rewards: Any, terminated: Any, truncated: Any, gamma: float) -> Fold:
    """A window of rows up to its first boundary, a row at a time in double precision."""
    total, discount = 0.0, 1.0
    for steps, (reward, terminal, limit) in enumerate(zip(rewards, terminated, truncated, strict=True), start=1):
        total += discount * float(reward)
        discount *= 0.0 if terminal else gamma
        if terminal or limit:
            break
    return Fold(total, discount, steps)


def clock(step: int = 0, episode: int = 0, update: int = 0) -> Clock:
    return Clock(*np.array([step, episode, update], np.int32))


def chi_square(counts: Any, expected: Any = None) -> float:
    """How many standard deviations Pearson's statistic lies above its mean, were the counts drawn as expected."""
    counts = np.asarray(counts, float)
    expected = np.full(counts.shape, counts.mean()) if expected is None else np.asarray(expected)
    freedom = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / math.sqrt(2 * freedom))


def leaves_equal(ours: Any, theirs: Any) -> bool:
    """Whether two pytrees have the same structure and the same bits."""
    one, other = jax.tree.leaves_with_path(ours), jax.tree.leaves_with_path(theirs)
    same = [path for path, _ in one] == [path for path, _ in other]
    return same and all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, other, strict=True))
