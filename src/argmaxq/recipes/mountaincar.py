"""MountainCar-v0: swing up to the flag, -1 per step; about -97.7 at best."""

from argmaxq.learning.bootstrap import Double
from argmaxq.learning.dqn import DQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.pqn import PQN
from argmaxq.learning.schedules import Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipe import Env, Evaluation, Recipe
from argmaxq.replay.uniform import Uniform

RECIPES = {
    # Rewards of -1 make whatever was not tried yet look best: that explores better than many random actions do.
    "mountaincar/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64), Rescaled()),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Linear(0.1, 0.03, 24_000)),
            replay=Uniform(50_000),
            sync=Periodic(300),
            optimiser=Adam(2e-3, annealing=Linear(1.0, 0.0, 60_000, per="update"), max_grad_norm=10.0),
            n_step=3,
            gamma=0.99,
            batch_size=64,
            rollout=16,
            updates=8,
        ),
        env=Env("MountainCar-v0"),
        steps=120_000,
        evaluation=Evaluation(4_000, 50),
        checkpoint_every=60_000,
    ),
    "mountaincar/pqn": Recipe(
        agent=PQN(
            network=MLP((128, 128), Rescaled(), layer_norm=True),
            exploration=EpsilonGreedy(Linear(1.0, 0.05, 200_000)),
            optimiser=RAdam(1e-3, annealing=Linear(1.0, 0.0, 15_000, per="update"), max_grad_norm=10.0),
            rollout=32,
            epochs=4,
            minibatches=8,
            trace_decay=0.65,
        ),
        env=Env("MountainCar-v0", lanes=32),
        steps=500_000,
        evaluation=Evaluation(20_000, 50),
        checkpoint_every=250_000,
    ),
}
