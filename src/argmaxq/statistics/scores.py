"""Scores as every function here takes them, and what is said of them."""

from typing import NamedTuple, TypeAlias

import numpy as np

from argmaxq.components.errors import UserError

Scores: TypeAlias = np.ndarray
"""[seeds], or [seeds, tasks] where the same seeds were trained on several tasks: one final score in each place."""
LEVEL = 0.95
"""How sure an interval is, unless another level is asked for."""


class Estimate(NamedTuple):
    """A figure and its interval.

    Attributes:
        point: The figure itself.
        low: The interval's lower end; minus infinity where there are too few seeds for one.
        high: Its upper end.
        method: How the interval was made, in words.
        level: How sure it is: the share of such intervals that hold the true figure.
    """

    point: float
    low: float
    high: float
    method: str
    level: float = LEVEL


def table(scores: Scores) -> np.ndarray:
    """Scores as float64 [seeds, tasks].

    Raises:
        UserError: there is none, one is no finite number, or they have another number of axes.
    """
    found = np.asarray(scores, np.float64)
    if found.ndim not in (1, 2) or found.size == 0:
        raise UserError(f"scores of shape {found.shape}: they must be [seeds] or [seeds, tasks], at least one")
    if not np.isfinite(found).all():
        raise UserError(f"{int((~np.isfinite(found)).sum())} of {found.size} scores are no finite numbers")
    return found if found.ndim == 2 else found[:, np.newaxis]


def check_level(level: float) -> None:
    """Raise UserError unless it is between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise UserError(f"level = {level}: it must be between 0 and 1, such as {LEVEL}")
