"""Honest statistics of runs that differ in their seeds: a figure never stands without its interval.

Scores are arrays [seeds], or [seeds, tasks] where the same method was trained on several tasks and scores of tasks were
made comparable before. "Sure" means over seeds; over tasks, too, where there are several.
"""

from argmaxq.statistics.estimates import improvement, interquartile_mean, mean, median, optimality_gap
from argmaxq.statistics.planning import (
    pooled_deviation,
    seeds_for_tolerance,
    seeds_to_tell_apart,
    tolerance_interval,
)
from argmaxq.statistics.profiles import Profile, performance_profile
from argmaxq.statistics.reaching import first_reached, time_to_threshold
from argmaxq.statistics.scores import LEVEL, Estimate, Scores
from argmaxq.statistics.superiority import probability_of_improvement

__all__ = [
    "LEVEL",
    "Estimate",
    "Profile",
    "Scores",
    "first_reached",
    "improvement",
    "interquartile_mean",
    "mean",
    "median",
    "optimality_gap",
    "performance_profile",
    "pooled_deviation",
    "probability_of_improvement",
    "seeds_for_tolerance",
    "seeds_to_tell_apart",
    "time_to_threshold",
    "tolerance_interval",
]
