"""LunarLander-v3: land softly between the flags; solved at 200, about 280 at best."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.environments.env import Env
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO, Linear, Multiplicative
from argmaxq.learning.sync import Polyak
from argmaxq.networks.heads import Dueling
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.recipes.stop import TrainingReturn
from argmaxq.replay.uniform import Uniform

RECIPES = {
    # A well-known course's values as they stand; its episodes end at 1000 steps, as Gymnasium's do.
    "lunarlander/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64)),
            returns=Scalar(Squared()),
            exploration=EpsilonGreedy(Multiplicative(1.0, 0.01, 0.995, per="episode")),
            replay=Uniform(100_000),
            sync=Polyak(1e-3),
            optimiser=Adam(1e-3),
            gamma=0.995,
            rollout=4,
            learning_starts=64,
        ),
        env=Env("LunarLander-v3"),
        steps=2_000_000,
        evaluation=Evaluation(50_000, 10),
        stop=TrainingReturn(200.0, 100),
        checkpoint_every=100_000,
    ),
    # Double, dueling and three steps, an update every other step; the learning rate that falls to 0 is worth most.
    "lunarlander/ddqn": Recipe(
        agent=DQN(
            network=MLP((128, 128), head=Dueling()),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Linear(1.0, 0.02, 0.1, per="run")),
            replay=Uniform(200_000),
            sync=Polyak(5e-3),
            optimiser=Adam(5e-4, max_grad_norm=10.0, annealing=TO_ZERO),
            gamma=0.99,
            n_step=3,
            rollout=4,
            updates=2,
            rewards=Scale(0.1),
        ),
        env=Env("LunarLander-v3"),
        steps=500_000,
        evaluation=Evaluation(20_000, 50),
        checkpoint_every=100_000,
    ),
    # Solved after about a quarter of the steps; with all of them (--stop never) the learning rate falls to 0.
    "lunarlander/pqn": Recipe(
        agent=PQN(
            network=MLP((128, 128), layer_norm=True),
            exploration=EpsilonGreedy(Linear(1.0, 0.02, 0.1125, per="run")),
            optimiser=RAdam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            rollout=32,
            epochs=2,
            minibatches=8,
            trace_decay=0.9,
            rewards=Scale(0.1),
        ),
        env=Env("LunarLander-v3", lanes=32),
        steps=1_600_000,
        evaluation=Evaluation(200_000, 20),
        stop=TrainingReturn(200.0, 100),
        checkpoint_every=800_000,
    ),
}
