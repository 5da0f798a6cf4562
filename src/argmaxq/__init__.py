"""argmaxq: value-based reinforcement learning, whole."""

from argmaxq.interrupts import guard, is_command

if is_command():
    guard()  # before anything that takes its time to be imported

from argmaxq.setup import configure_jax

configure_jax()

from argmaxq.components.annotations import Count, Fraction, NonNegative, Number, Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.paths import replace
from argmaxq.environments.env import Env
from argmaxq.recipes import catalogue as catalogue
from argmaxq.recipes import find, recipes
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.recipes.stop import EvaluationReturn, Never, TrainingReturn
from argmaxq.roles import Agent, Bootstrap, Exploration, Network, Optimiser, Replay, Returns, Schedule, Sync
from argmaxq.types import Batch, Clock, Row, Spaces, Transition
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run, load
from argmaxq.verbs.train import resume, train

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
