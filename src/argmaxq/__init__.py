"""argmaxq: value-based reinforcement learning, whole."""

from argmaxq.setup import configure_jax

configure_jax()

from argmaxq import components as components  # noqa: E402
from argmaxq.component import UserError, component  # noqa: E402
from argmaxq.paths import replace  # noqa: E402
from argmaxq.policy import Policy  # noqa: E402
from argmaxq.recipe import Env, Evaluation, EvaluationReturn, Never, Recipe, TrainingReturn  # noqa: E402
from argmaxq.recipes import find, recipes  # noqa: E402
from argmaxq.run import Run, load, resume, train  # noqa: E402

__all__ = [
    "Env",
    "Evaluation",
    "EvaluationReturn",
    "Never",
    "Policy",
    "Recipe",
    "Run",
    "TrainingReturn",
    "UserError",
    "component",
    "find",
    "load",
    "recipes",
    "replace",
    "resume",
    "train",
]
