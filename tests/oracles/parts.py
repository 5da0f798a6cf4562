"""What learning parts are held against: plain Python models, closed forms, and rlax."""

import math
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # rlax's own dependencies use deprecated parts of JAX
    import rlax

from argmaxq.networks.own import FunctionNetwork
from argmaxq.types import Clock

__all__ = ["LINEAR", "TABLE", "Fold", "chi_square", "clock", "fold", "leaves_equal", "one_hot", "rlax"]


class Fold(NamedTuple):
    """An n-step window folded: return so far, discount of what follows, rows used."""

    reward: float
    discount: float
    steps: int


def fold(rewards: Any, terminated: Any, truncated: Any, gamma: float) -> Fold:
    """A window of rows up to its first boundary, a row at a time in double precision."""
    total, discount, steps = 0.0, 1.0, 0
    for reward, terminal, limit in zip(rewards, terminated, truncated, strict=True):
        total += discount * float(reward)
        discount *= 0.0 if terminal else gamma
        steps += 1
        if terminal or limit:
            break
    return Fold(total, discount, steps)


def clock(step: int = 0, episode: int = 0, update: int = 0, total: int = 1) -> Clock:
    return Clock(*np.array([step, episode, update, total], np.int32))


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


def _random(key: jax.Array, obs: Any, outputs: tuple[int, int]) -> Any:
    return jax.random.normal(key, (obs.size, outputs[0]))


def _zeros(key: jax.Array, obs: Any, outputs: tuple[int, int]) -> Any:
    return jnp.zeros((obs.size, outputs[0]))


def _product(weights: Any, obs: Any) -> Any:
    return obs @ weights


LINEAR = FunctionNetwork(_random, _product)
"""Q(s, .) = obs @ w with random w [observations, actions]."""
TABLE = FunctionNetwork(_zeros, _product)
"""The same, all 0 at first: for one-hot observations a table."""


def one_hot(state: Any, states: int) -> np.ndarray:
    return np.eye(states, dtype=np.float32)[state]
