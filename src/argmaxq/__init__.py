"""argmaxq: value-based reinforcement learning, whole."""

from argmaxq.setup import configure_jax

configure_jax()

from argmaxq import components as components  # noqa: E402
from argmaxq.component import (  # noqa: E402
    Count,
    Fraction,
    NonNegative,
    Number,
    Positive,
    Size,
    UserError,
    component,
)
from argmaxq.paths import replace  # noqa: E402
from argmaxq.policy import Policy  # noqa: E402
from argmaxq.recipe import Env, Evaluation, EvaluationReturn, Never, Recipe, TrainingReturn  # noqa: E402
from argmaxq.recipes import find, recipes  # noqa: E402
from argmaxq.run import Run, load, resume, train  # noqa: E402
from argmaxq.types import (  # noqa: E402
    Agent,
    Batch,
    Bootstrap,
    Clock,
    Exploration,
    Network,
    Optimiser,
    Replay,
    Returns,
    Row,
    Schedule,
    Spaces,
    Sync,
    Transition,
)

__all__ = [
    "Agent",
    "Batch",
    "Bootstrap",
    "Clock",
    "Count",
    "Env",
    "Evaluation",
    "EvaluationReturn",
    "Exploration",
    "Fraction",
    "Network",
    "Never",
    "NonNegative",
    "Number",
    "Optimiser",
    "Policy",
    "Positive",
    "Recipe",
    "Replay",
    "Returns",
    "Row",
    "Run",
    "Schedule",
    "Size",
    "Spaces",
    "Sync",
    "TrainingReturn",
    "Transition",
    "UserError",
    "component",
    "find",
    "load",
    "recipes",
    "replace",
    "resume",
    "train",
]
