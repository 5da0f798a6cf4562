"""What a run is made of: an agent, an environment, how long, how it is judged and when it may stop."""

from collections.abc import Mapping
from typing import ClassVar

from argmaxq.agents.dqn import DQN
from argmaxq.components.annotations import Count, Size
from argmaxq.components.component import component
from argmaxq.environments.env import Env
from argmaxq.recipes.elsewhere import ELSEWHERE
from argmaxq.recipes.stop import Never, Stop
from argmaxq.roles import Agent, Gauge


@component("evaluation")
class Evaluation:
    """Greedy episodes on an environment of their own; the best checkpoint is the one that did best there.

    Attributes:
        every: Env steps between two evaluations; 0: none.
        episodes: Episodes in each.
        keep: How many policies are kept on the way, that of step 0 and of evaluations evenly spread over training, for
            films of how the agent got better; 0: none but the best and the last one.
    """

    every: Count = 10_000
    episodes: Size = 20
    keep: Count = 0


@component("diagnostics")
class Diagnostics:
    """What is measured at the end of every so many blocks, which changes nothing; docs/diagnostics.md says what it is.

    A run shorter than that is not measured, which spares it the compilation.

    Attributes:
        every: Blocks from one time to the next, of about 2,048 env steps each, 16,384 of light agents; 0: never.
        gauge: A component that measures more, such as one of your own.
    """

    every: Count = 8
    gauge: Gauge | None = None


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
        diagnostics: What is measured of its health.
    """

    elsewhere: ClassVar[Mapping[str, tuple[str, ...]]] = ELSEWHERE

    agent: Agent = DQN()
    env: Env = Env()
    steps: Count = 100_000
    evaluation: Evaluation = Evaluation()
    stop: Stop = Never()
    checkpoint_every: Count = 50_000
    diagnostics: Diagnostics = Diagnostics()
