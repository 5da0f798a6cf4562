"""Exact solutions of finite decision problems, in float64: the oracle that learning is held against."""

from argmaxq.exact.grid import Grid, Motion, interpolated, motion_of
from argmaxq.exact.judgement import Judgement, judge
from argmaxq.exact.model import Model, Outcomes, allowed_of, from_outcomes, model_of, outcomes_of
from argmaxq.exact.solvers import (
    Solution,
    action_values,
    evaluate_policy,
    finite_horizon,
    greedy_policy,
    policy_iteration,
    value_iteration,
)

__all__ = [
    "Grid",
    "Judgement",
    "Model",
    "Motion",
    "Outcomes",
    "Solution",
    "action_values",
    "allowed_of",
    "evaluate_policy",
    "finite_horizon",
    "from_outcomes",
    "greedy_policy",
    "interpolated",
    "judge",
    "model_of",
    "motion_of",
    "outcomes_of",
    "policy_iteration",
    "value_iteration",
]
