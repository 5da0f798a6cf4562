"""Platform: run, hop and leap over two gaps past two enemies; the return is the share of the way, 1 at best."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.pdqn import PDQN
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.learning.sync import Polyak
from argmaxq.networks.critics import MultiPass, SinglePass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Critic

PLATFORM = "argmaxq/Platform-v0"
EXPLORATION = EpsilonGreedy(Linear(1.0, 0.01, 0.05, per="run"))


def pdqn(critic: Critic) -> Recipe:
    """From Bester et al.'s values; ours: epsilon by steps, a faster actor, rates that fall to 0, a replay of all."""
    agent = PDQN(
        critic=critic,
        exploration=EXPLORATION,
        optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
        actor_optimiser=Adam(3e-4, annealing=TO_ZERO, max_grad_norm=10.0),
    )
    return Recipe(agent, Env(PLATFORM), 200_000, Evaluation(5_000, 200), checkpoint_every=100_000)


RECIPES = {
    "platform/pdqn": pdqn(SinglePass()),
    "platform/mpdqn": pdqn(MultiPass()),
    "platform/paddpg": Recipe(
        agent=PADDPG(
            critic=SinglePass((128,)),
            actor_network=MLP((128,), inputs=Rescaled(), head=Centred()),
            exploration=EXPLORATION,
            optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            actor_optimiser=Adam(1e-4, annealing=TO_ZERO, max_grad_norm=10.0),
        ),
        env=Env(PLATFORM),
        steps=200_000,
        evaluation=Evaluation(5_000, 200),
        checkpoint_every=100_000,
    ),
    # Nine actions: run, hop and leap with a third, two thirds and all of their parameter's range.
    "platform/dqn-discrete": Recipe(
        agent=DQN(
            network=MLP((128,), inputs=Rescaled()),
            returns=Scalar(Squared()),
            exploration=EXPLORATION,
            replay=Uniform(200_000),
            sync=Polyak(0.1),
            optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            gamma=0.9,
            batch_size=128,
            rollout=1,
            learning_starts=500,
        ),
        env=Env(PLATFORM, choices=((10.0, 20.0, 30.0), (240.0, 480.0, 720.0), (143.0, 286.0, 430.0))),
        steps=200_000,
        evaluation=Evaluation(5_000, 200),
        checkpoint_every=100_000,
    ),
}
