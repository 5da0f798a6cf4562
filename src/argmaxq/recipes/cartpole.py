"""CartPole-v1: balance a pole, return 500 at most."""

from argmaxq.learning.bootstrap import Double
from argmaxq.learning.dqn import DQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.normalisers import Running
from argmaxq.learning.optimisers import SGD, Adam, RAdam
from argmaxq.learning.pqn import PQN
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.schedules import Exponential, Multiplicative
from argmaxq.learning.schedules import Linear as Falling
from argmaxq.learning.step_sizes import OvershootBounded, VisitCount
from argmaxq.learning.sync import Online, Periodic
from argmaxq.learning.td import TD
from argmaxq.learning.traces import Accumulating
from argmaxq.networks.features import Bins, Symmetric
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.sparse import SparseMLP
from argmaxq.recipe import Env, Evaluation, EvaluationReturn, Recipe
from argmaxq.replay.uniform import Uniform

CARTPOLE = Env("CartPole-v1")

RECIPES = {
    # From RL-Zoo's values, whose "target every 10 steps" with bursts of 128 updates is one copy per burst. Ours: the
    # smaller network, double, three steps, and, else single seeds fall apart late, a tenth of the reward, which keeps
    # errors where Huber's loss is quadratic, and a learning rate that falls to 0.
    "cartpole/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64)),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Falling(1.0, 0.04, 8_000)),
            replay=Uniform(100_000),
            sync=Periodic(128),
            optimiser=Adam(2.3e-3, annealing=Falling(1.0, 0.0, 25_000, per="update"), max_grad_norm=10.0),
            n_step=3,
            rollout=256,
            updates=128,
            reward_scale=0.1,
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
    # phi(s, a) = +-s with replay, a first course's values as they stand. It stays poor: values here are some tens for
    # both actions, and such features can only give one the opposite of the other. The course's mean squared error
    # without the half is a step size twice as large here.
    "cartpole/linear": Recipe(
        agent=DQN(
            network=Linear(Symmetric(), spread=1.0),
            returns=Scalar(Squared()),
            exploration=EpsilonGreedy(Multiplicative(1.0, 0.01, 0.98, per="episode")),
            replay=Uniform(50_000),
            sync=Online(),
            optimiser=SGD(2e-3),
            batch_size=32,
            rollout=1,
            learning_starts=32,
        ),
        env=CARTPOLE,
        steps=50_000,
        evaluation=Evaluation(2_500, 20),
    ),
    "cartpole/tabular": Recipe(
        agent=TD(
            network=Table(Bins((3, 3, 8, 8), low=(-2.4, -3.0, -0.2095, -3.0), high=(2.4, 3.0, 0.2095, 3.0))),
            exploration=EpsilonGreedy(Falling(1.0, 0.02, 200_000)),
            step_size=VisitCount(0.5, 50.0, 0.6),
        ),
        env=CARTPOLE,
        steps=500_000,
        evaluation=Evaluation(25_000, 50),
        checkpoint_every=250_000,
    ),
    # Elsayed et al. 2024: no replay, no batch, no target network, one row at a time.
    "cartpole/streamq": Recipe(
        agent=TD(
            network=SparseMLP((32, 32)),
            exploration=EpsilonGreedy(Falling(1.0, 0.01, 50_000)),
            step_size=OvershootBounded(1.0, 2.0),
            traces=Accumulating(0.8, "watkins"),
            normaliser=Running(),
        ),
        env=CARTPOLE,
        steps=500_000,
        evaluation=Evaluation(25_000, 50),
        checkpoint_every=250_000,
    ),
    "cartpole/pqn": Recipe(
        agent=PQN(
            network=MLP((128, 128), layer_norm=True),
            exploration=EpsilonGreedy(Falling(1.0, 0.05, 100_000)),
            optimiser=RAdam(1e-3, annealing=Falling(1.0, 0.0, 15_000, per="update"), max_grad_norm=10.0),
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
