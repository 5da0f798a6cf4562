"""CartPole-v1: balance a pole, return 500 at most."""

from argmaxq.learning.bootstrap import Double
from argmaxq.learning.dqn import DQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.pqn import PQN
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.schedules import Exponential, Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.mlp import MLP
from argmaxq.recipe import Env, Evaluation, EvaluationReturn, Recipe
from argmaxq.replay.uniform import Uniform

CARTPOLE = Env("CartPole-v1")

RECIPES = {
    # From RL-Zoo's values, whose "target every 10 steps" with bursts of 128 updates is one copy per burst. Ours: the
    # smaller network, double, eight steps, a longer horizon and a learning rate that falls to 0, else single seeds
    # fall apart late.
    "cartpole/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64)),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Linear(1.0, 0.04, 8_000)),
            replay=Uniform(100_000),
            sync=Periodic(128),
            optimiser=Adam(2.3e-3, annealing=Linear(1.0, 0.0, 25_000, per="update"), max_grad_norm=10.0),
            gamma=0.995,
            n_step=8,
            rollout=256,
            updates=128,
        ),
        env=CARTPOLE,
        steps=50_000,
        evaluation=Evaluation(2_500, 50),
        checkpoint_every=25_000,
    ),
    # A first course's agent: one hidden layer, exponential epsilon per episode, an end at a threshold.
    "cartpole/dqn-course": Recipe(
        agent=DQN(
            network=MLP((128,)),
            returns=Scalar(Squared()),
            exploration=EpsilonGreedy(Exponential(0.9, 0.05, 100.0, per="episode")),
            replay=Uniform(10_000),
            sync=Periodic(100),
            optimiser=Adam(1e-3),
            batch_size=128,
            rollout=1,
            learning_starts=128,
        ),
        env=CARTPOLE,
        steps=100_000,
        evaluation=Evaluation(1_000, 20),
        stop=EvaluationReturn(495.0),
    ),
    "cartpole/pqn": Recipe(
        agent=PQN(
            network=MLP((128, 128), layer_norm=True),
            exploration=EpsilonGreedy(Linear(1.0, 0.05, 100_000)),
            optimiser=RAdam(1e-3, annealing=Linear(1.0, 0.0, 15_000, per="update"), max_grad_norm=10.0),
            rollout=32,
            epochs=4,
            minibatches=8,
            reward_scale=0.1,
        ),
        env=Env("CartPole-v1", lanes=32),
        steps=500_000,
        evaluation=Evaluation(50_000, 100),
        checkpoint_every=250_000,
    ),
}
