"""Acrobot-v1: swing the tip above the line, -1 per step."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform

RECIPES = {
    "acrobot/dqn": Recipe(
        agent=DQN(
            network=MLP((128, 128)),
            exploration=EpsilonGreedy(Linear(1.0, 0.1, 0.12, per="run")),
            replay=Uniform(50_000),
            sync=Periodic(250),
            optimiser=Adam(6.3e-4, annealing=TO_ZERO, max_grad_norm=10.0),
            batch_size=128,
            rollout=4,
            updates=4,
        ),
        env=Env("Acrobot-v1"),
        steps=100_000,
        evaluation=Evaluation(4_000, 200),
        checkpoint_every=50_000,
    ),
    "acrobot/pqn": Recipe(
        agent=PQN(
            network=MLP((256, 256), layer_norm=True),
            exploration=EpsilonGreedy(Linear(1.0, 0.01, 0.4, per="run")),
            optimiser=RAdam(6.3e-4, annealing=TO_ZERO, max_grad_norm=10.0),
            gamma=0.995,
            rollout=32,
            epochs=4,
            minibatches=8,
            trace_decay=0.9,
        ),
        env=Env("Acrobot-v1", lanes=32),
        steps=500_000,
        evaluation=Evaluation(20_000, 200),
        checkpoint_every=250_000,
    ),
}
