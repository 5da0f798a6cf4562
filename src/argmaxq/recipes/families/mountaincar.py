"""MountainCar-v0: swing up to the flag, -1 per step; about -97.7 at best."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.environments.env import Env
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy, Greedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.schedules import TO_ZERO, Constant
from argmaxq.learning.schedules import Linear as Falling
from argmaxq.learning.sync import Periodic
from argmaxq.learning.td.backups import Sarsa
from argmaxq.learning.td.step_sizes import Scheduled
from argmaxq.learning.td.traces import Replacing
from argmaxq.networks.features import Bins, Tiles
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform

RECIPES = {
    # Rewards of -1 make whatever was not tried yet look best: that explores better than many random actions do.
    "mountaincar/dqn": Recipe(
        agent=DQN(
            network=MLP((64, 64), Rescaled()),
            bootstrap=Double(),
            exploration=EpsilonGreedy(Falling(0.1, 0.03, 0.2, per="run")),
            replay=Uniform(50_000),
            sync=Periodic(300),
            optimiser=Adam(2e-3, annealing=TO_ZERO, max_grad_norm=10.0),
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
    # Sutton and Barto's figure 10.2 with traces: values of 0 are better than any return, so nothing need be random.
    "mountaincar/sarsa-tiles": Recipe(
        agent=TD(
            network=Linear(Tiles(8, (8,))),
            backup=Sarsa(),
            exploration=Greedy(),
            step_size=Scheduled(Constant(0.3 / 8)),
            traces=Replacing(0.9),
            gamma=1.0,
        ),
        env=Env("MountainCar-v0"),
        steps=58_000,  # about 500 episodes
        evaluation=Evaluation(10_000, 50),
        checkpoint_every=58_000,
    ),
    # A coarse grid sees each cell often; the step size falls, for a cell's states differ and its value wanders else.
    "mountaincar/tabular": Recipe(
        agent=TD(
            network=Table(Bins((20, 20))),
            backup=Sarsa(),
            exploration=Greedy(),
            step_size=Scheduled(Falling(0.2, 0.005, 1.0, per="run")),
            traces=Replacing(0.9),
            gamma=1.0,
        ),
        env=Env("MountainCar-v0"),
        steps=600_000,
        evaluation=Evaluation(20_000, 50),
        checkpoint_every=300_000,
    ),
    "mountaincar/tiles": Recipe(
        agent=TD(
            network=Linear(Tiles(8, (8,))),
            exploration=Greedy(),
            step_size=Scheduled(Constant(0.3 / 8)),
            traces=Replacing(0.9, "watkins"),
            gamma=1.0,
        ),
        env=Env("MountainCar-v0"),
        steps=100_000,
        evaluation=Evaluation(10_000, 50),
        checkpoint_every=100_000,
    ),
    "mountaincar/pqn": Recipe(
        agent=PQN(
            network=MLP((128, 128), Rescaled(), layer_norm=True),
            exploration=EpsilonGreedy(Falling(1.0, 0.05, 0.4, per="run")),
            optimiser=RAdam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
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
