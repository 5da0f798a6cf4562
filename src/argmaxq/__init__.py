"""argmaxq: value-based reinforcement learning, whole.

The verbs, the words of experience and the roles stand here; components stand in a module named after their role, as
``aq.agents.DQN``, ``aq.networks.MLP``, ``aq.heads.Dueling`` and ``aq.schedules.Linear``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from argmaxq.interrupts import guard, is_command

if is_command():
    guard()  # before anything that takes its time to be imported

from argmaxq.setup import configure_jax

configure_jax()

from argmaxq import agents, networks, replay
from argmaxq.components.annotations import Count, Fraction, NonNegative, Number, Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.paths import replace
from argmaxq.environments.env import Env
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.learning import (
    bootstrap,
    bootstrapped,
    diagnostics,
    exploration,
    normalisers,
    optimisers,
    parameters,
    resets,
    returns,
    rewards,
    schedules,
    sync,
)
from argmaxq.learning.returns import transformed
from argmaxq.learning.td import backups, step_sizes, traces
from argmaxq.networks import features, heads, inputs, layers
from argmaxq.networks.convolutional import encoders
from argmaxq.recipes import catalogue as catalogue
from argmaxq.recipes import find, recipes
from argmaxq.recipes.recipe import Diagnostics, Evaluation, Recipe
from argmaxq.recipes.stop import EvaluationReturn, Never, Stop, TrainingReturn
from argmaxq.roles import (
    Agent,
    Bootstrap,
    Critic,
    Exploration,
    Gauge,
    Learner,
    MaximisableCritic,
    Network,
    NetworkLike,
    Optimiser,
    OptimiserLike,
    RecurrentNetwork,
    Replay,
    Returns,
    Rewards,
    Schedule,
    SequenceReplay,
    Sync,
)
from argmaxq.spaces import Spaces
from argmaxq.studies.study import Study, study
from argmaxq.tuning.tune import tune
from argmaxq.types import Array, Batch, Clock, Metrics, PyTree, Row, Transition
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run, load
from argmaxq.verbs.tracking import Tracking
from argmaxq.verbs.train import resume, train

if TYPE_CHECKING:
    from argmaxq import statistics
    from argmaxq.exports.export import export
    from argmaxq.exports.sb3 import from_sb3
    from argmaxq.page.report import report
    from argmaxq.tracking.track import track
    from argmaxq.visualisation.inline import film, plot

LATER = {
    "export": "argmaxq.exports.export",
    "from_sb3": "argmaxq.exports.sb3",
    "report": "argmaxq.page.report",
    "film": "argmaxq.visualisation.inline",
    "plot": "argmaxq.visualisation.inline",
    "track": "argmaxq.tracking.track",
}
"""Functions that are looked up when they are first asked for, since what they need takes its time to import."""


def __getattr__(name: str) -> Any:
    """``statistics``, and what is imported ``LATER``."""
    if name == "statistics":
        return import_module("argmaxq.statistics")
    if name in LATER:
        return getattr(import_module(LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Agent",
    "Array",
    "Atari",
    "Batch",
    "Bootstrap",
    "Clock",
    "Count",
    "Critic",
    "Diagnostics",
    "Env",
    "Evaluation",
    "EvaluationReturn",
    "Exploration",
    "Fraction",
    "Gauge",
    "Learner",
    "MaximisableCritic",
    "Metrics",
    "Network",
    "NetworkLike",
    "Never",
    "NonNegative",
    "Number",
    "Optimiser",
    "OptimiserLike",
    "Policy",
    "Positive",
    "PyTree",
    "Recipe",
    "RecurrentNetwork",
    "Replay",
    "Returns",
    "Rewards",
    "Row",
    "Run",
    "Schedule",
    "SequenceReplay",
    "Size",
    "Spaces",
    "Stop",
    "Study",
    "Sync",
    "Tracking",
    "TrainingReturn",
    "Transition",
    "UserError",
    "agents",
    "backups",
    "bootstrap",
    "bootstrapped",
    "component",
    "diagnostics",
    "encoders",
    "exploration",
    "export",
    "features",
    "film",
    "find",
    "from_sb3",
    "heads",
    "inputs",
    "layers",
    "load",
    "networks",
    "normalisers",
    "optimisers",
    "parameters",
    "plot",
    "recipes",
    "replace",
    "replay",
    "report",
    "resets",
    "resume",
    "returns",
    "rewards",
    "schedules",
    "statistics",
    "step_sizes",
    "study",
    "sync",
    "traces",
    "track",
    "train",
    "transformed",
    "tune",
]
