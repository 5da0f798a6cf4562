"""argmaxq: value-based reinforcement learning, whole.

The verbs, the words of experience and the roles stand here; components stand in a module named after their role, as
``aq.agents.DQN``, ``aq.networks.MLP``, ``aq.heads.Dueling`` and ``aq.schedules.Linear``.
"""

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
from argmaxq.learning import (
    backups,
    bootstrap,
    exploration,
    normalisers,
    optimisers,
    parameters,
    returns,
    schedules,
    step_sizes,
    sync,
    traces,
)
from argmaxq.networks import features, heads, inputs, layers
from argmaxq.recipes import catalogue as catalogue
from argmaxq.recipes import find, recipes
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.recipes.stop import EvaluationReturn, Never, Stop, TrainingReturn
from argmaxq.roles import (
    Agent,
    Bootstrap,
    Critic,
    Exploration,
    Learner,
    MaximisableCritic,
    Network,
    NetworkLike,
    Optimiser,
    OptimiserLike,
    Replay,
    Returns,
    Schedule,
    Sync,
)
from argmaxq.types import Array, Batch, Clock, Metrics, PyTree, Row, Spaces, Transition
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run, load
from argmaxq.verbs.train import resume, train

__all__ = [
    "Agent",
    "Array",
    "Batch",
    "Bootstrap",
    "Clock",
    "Count",
    "Critic",
    "Env",
    "Evaluation",
    "EvaluationReturn",
    "Exploration",
    "Fraction",
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
    "Replay",
    "Returns",
    "Row",
    "Run",
    "Schedule",
    "Size",
    "Spaces",
    "Stop",
    "Sync",
    "TrainingReturn",
    "Transition",
    "UserError",
    "agents",
    "backups",
    "bootstrap",
    "component",
    "exploration",
    "features",
    "find",
    "heads",
    "inputs",
    "layers",
    "load",
    "networks",
    "normalisers",
    "optimisers",
    "parameters",
    "recipes",
    "replace",
    "replay",
    "resume",
    "returns",
    "schedules",
    "step_sizes",
    "sync",
    "traces",
    "train",
]
