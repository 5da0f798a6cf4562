"""CartPole-v1: balance a pole, return 500 at most."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.environments.env import Env
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.normalisers import Running
from argmaxq.learning.optimisers import SGD, Adam, RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO, Constant, Exponential, Multiplicative
from argmaxq.learning.schedules import Linear as Falling
from argmaxq.learning.sync import Online, Periodic
from argmaxq.learning.td.step_sizes import OvershootBounded, VisitCount
from argmaxq.learning.td.traces import Accumulating
from argmaxq.networks.features import Bins, Symmetric
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.sparse import SparseMLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.recipes.stop import EvaluationReturn
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Exploration

CARTPOLE = Env("CartPole-v1")


def linear(exploration: Exploration, n_step: int, step_size: float) -> Recipe:
    """Linear Q-learning from replay, as a first course has it."""
    agent = DQN(
        network=Linear(Symmetric(), spread=1.0),
        returns=Scalar(Squared()),
        exploration=exploration,
        replay=Uniform(50_000),
        sync=Online(),
        optimiser=SGD(step_size),
        n_step=n_step,
        batch_size=32,
        rollout=1,
        learning_starts=32,
    )
    return Recipe(agent, CARTPOLE, 50_000, Evaluation(2_500, 20))


RECIPES = {
    # From RL-Zoo's values, whose "target every 10 steps" with bursts of 128 updates is one copy per burst. Ours: two
    # copies (one is 3 times as likely to fail, four or half a one far worse), a smaller network, double, four steps, a
    # discount nearer to 1 (0.98 and 0.998 are far worse) and, else single seeds fall apart late, a tenth of the reward,
    # which keeps errors where Huber's loss is quadratic, and a learning rate that falls to 0.
    "cartpole/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64)),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Falling(1.0, 0.04, 0.16, per="run")),
            replay=Uniform(100_000),
            sync=Periodic(64),
            optimiser=Adam(2.3e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            gamma=0.993,
            n_step=4,
            rollout=256,
            updates=128,
            rewards=Scale(0.1),
        ),
        env=CARTPOLE,
        steps=50_000,
        evaluation=Evaluation(1_250, 100),
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
    # phi(s, a) = +-s with replay: values here are some tens for both actions, and such features can only give one the
    # opposite of the other. Greedy behaviour makes that worse: s and the sign of theta.s agree in all that is replayed,
    # so any theta is reinforced. After random behaviour only the difference between the actions is left to be fitted,
    # and returns of many steps show it. The course's mean squared error without the half is twice the step size here.
    "cartpole/linear": linear(EpsilonGreedy(Constant(1.0)), n_step=60, step_size=1e-3),
    "cartpole/linear-course": linear(EpsilonGreedy(Multiplicative(1.0, 0.01, 0.98, per="episode")), 1, 2e-3),
    "cartpole/tabular": Recipe(
        agent=TD(
            network=Table(Bins((3, 3, 8, 8), low=(-2.4, -3.0, -0.2095, -3.0), high=(2.4, 3.0, 0.2095, 3.0))),
            exploration=EpsilonGreedy(Falling(1.0, 0.02, 0.4, per="run")),
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
            exploration=EpsilonGreedy(Falling(1.0, 0.01, 0.1, per="run")),
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
            exploration=EpsilonGreedy(Falling(1.0, 0.05, 0.2, per="run")),
            optimiser=RAdam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
            rollout=32,
            epochs=4,
            minibatches=8,
            rewards=Scale(0.1),
        ),
        env=Env("CartPole-v1", lanes=32),
        steps=500_000,
        evaluation=Evaluation(50_000, 100),
        stop=EvaluationReturn(500.0),
        checkpoint_every=250_000,
    ),
}
