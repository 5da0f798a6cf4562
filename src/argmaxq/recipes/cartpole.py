"""CartPole-v1: balance a pole, return 500 at most."""

from argmaxq.learning.dqn import DQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.mlp import MLP
from argmaxq.recipe import Env, Evaluation, Recipe
from argmaxq.replay.uniform import Uniform

RECIPES = {
    "cartpole/dqn": Recipe(
        agent=DQN(
            network=MLP((256, 256)),
            exploration=EpsilonGreedy(Linear(1.0, 0.04, 8_000)),
            replay=Uniform(100_000),
            sync=Periodic(10),
            optimiser=Adam(2.3e-3, max_grad_norm=10.0),
            rollout=256,
            updates=128,
        ),
        env=Env("CartPole-v1"),
        steps=50_000,
        evaluation=Evaluation(5_000, 20),
        checkpoint_every=25_000,
    ),
}
