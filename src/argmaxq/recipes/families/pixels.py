"""CartPole from frames: from the difference of two of them, and with CartPole-v1's own limits from four."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.environments.env import Env
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO, Exponential
from argmaxq.learning.schedules import Linear as Falling
from argmaxq.learning.sync import Periodic
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform

PIXELS, STACKED = "argmaxq/CartPolePixels-v0", "argmaxq/CartPoleStacked-v0"
SMALL = {"height": 20, "width": 45}
"""A quarter of the notebook's pixels, and so of the first layer's work, which is most of all."""
PARALLEL = PQN(
    network=MLP((128, 128), Rescaled(), layer_norm=True),
    exploration=EpsilonGreedy(Falling(1.0, 0.05, 100_000)),
    optimiser=RAdam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
    rollout=32,
    epochs=4,
    minibatches=8,
    rewards=Scale(0.1),
)

RECIPES = {
    # The notebook's values as they stand, colour included; its target network followed every ten episodes, which are
    # some 200 steps at first and 500 at best.
    "cartpole-pixels/dqn-course": Recipe(
        agent=DQN(
            network=MLP((24, 32), Rescaled()),
            returns=Scalar(Squared()),
            exploration=EpsilonGreedy(Exponential(1.0, 0.01, 1_000.0)),
            replay=Uniform(10_000),
            sync=Periodic(500),
            optimiser=Adam(1e-3),
            batch_size=256,
            rollout=1,
            learning_starts=256,
        ),
        env=Env(PIXELS, {"colour": True}),
        steps=50_000,
        evaluation=Evaluation(2_500, 20),
        checkpoint_every=25_000,
    ),
    "cartpole-pixels/dqn": Recipe(
        agent=DQN(
            network=MLP((128, 128), Rescaled(), layer_norm=True),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Falling(1.0, 0.05, 100_000)),
            replay=Uniform(100_000),
            sync=Periodic(500),
            optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            n_step=8,
            rollout=8,
            updates=16,
            rewards=Scale(0.1),
        ),
        env=Env(PIXELS, SMALL, lanes=8),
        steps=400_000,
        evaluation=Evaluation(25_000, 50),
        checkpoint_every=200_000,
    ),
    "cartpole-pixels/pqn": Recipe(
        agent=PARALLEL,
        env=Env(PIXELS, SMALL, lanes=32),
        steps=1_600_000,
        evaluation=Evaluation(50_000, 50),
        checkpoint_every=800_000,
    ),
    "cartpole-stacked/pqn": Recipe(
        agent=PARALLEL,
        env=Env(STACKED, SMALL, lanes=32),
        steps=250_000,
        evaluation=Evaluation(25_000, 50),
        checkpoint_every=125_000,
    ),
}
