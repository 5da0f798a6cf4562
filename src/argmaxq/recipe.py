"""What a run is made of: an agent, an environment, how long, how it is judged and when it may stop."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from argmaxq.component import Count, Number, Size, component
from argmaxq.learning.dqn import DQN
from argmaxq.types import Agent


@component("environment")
class Env:
    """The environment and how many copies of it are stepped together.

    Attributes:
        id: A registered Gymnasium id; in Python also a callable that makes an environment.
        kwargs: Arguments for making it.
        lanes: Copies stepped together.
        backend: What steps it on the host: Gymnasium, or EnvPool's C++ threads.
        time_limit: Steps after which an episode is truncated; none: the registered limit.
        choices: For each parameterised action the values of its parameters that make it discrete ones; empty: none.
    """

    shorthand: ClassVar[str] = "id"

    id: str | Callable[..., Any] = "CartPole-v1"
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)
    lanes: Size = 1
    backend: Literal["gymnasium", "envpool"] = "gymnasium"
    time_limit: Size | None = None
    choices: tuple[tuple[float, ...], ...] = ()


class Stop(Protocol):
    """When a run may end before its last step."""

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        """Judge the returns of training episodes so far, the newest last, and of the latest evaluation, if any."""


@component(Stop)
class Never:
    """Train to the last step."""

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        return False


@component(Stop)
class TrainingReturn:
    """Solved when the mean return of the newest training episodes reaches a threshold.

    Attributes:
        threshold: The mean return to reach.
        episodes: How many episodes the mean is over, at most 100.
    """

    threshold: Number = 200.0
    episodes: Size = 100

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        newest = list(returns)[-self.episodes :]
        return len(newest) == self.episodes and float(np.mean(newest)) >= self.threshold


@component(Stop)
class EvaluationReturn:
    """Solved when the mean return of an evaluation reaches a threshold.

    Attributes:
        threshold: The mean return to reach.
    """

    threshold: Number = 200.0

    def reached(self, returns: Sequence[float], evaluation: np.ndarray | None) -> bool:
        return evaluation is not None and float(np.mean(evaluation)) >= self.threshold


@component("evaluation")
class Evaluation:
    """Greedy episodes on an environment of their own; the best checkpoint is the one that did best there.

    Attributes:
        every: Env steps between two evaluations; 0: none.
        episodes: Episodes in each.
    """

    every: Count = 10_000
    episodes: Size = 20


@component("recipe")
class Recipe:
    """Everything that decides a run's result, but for the seed.

    Attributes:
        agent: The learning algorithm.
        env: The environment.
        steps: Env steps, over all lanes.
        evaluation: How training is judged as it goes.
        stop: When it may end early.
        checkpoint_every: Env steps between two checkpoints; 0: only at the end.
    """

    agent: Agent = DQN()
    env: Env = Env()
    steps: Count = 100_000
    evaluation: Evaluation = Evaluation()
    stop: Stop = Never()
    checkpoint_every: Count = 50_000
