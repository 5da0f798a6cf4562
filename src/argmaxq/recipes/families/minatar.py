"""MinAtar's five games: DQN, Rainbow and PQN with the network of MinAtar's paper."""

import dataclasses

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.environments.env import Env
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.returns import Categorical
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.convolutional.encoders import Minatar
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.heads import Dueling
from argmaxq.networks.layers import Noisy
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent

GAMES = {
    "asterix": "Asterix",
    "breakout": "Breakout",
    "freeway": "Freeway",
    "seaquest": "Seaquest",
    "space-invaders": "SpaceInvaders",
}
# Young and Tian 2019 but for Adam, a double bootstrap, and half as many updates, of twice the transitions.
PLAIN = DQN(
    network=Convolutional(Minatar()),
    bootstrap=Double(),
    exploration=EpsilonGreedy(Linear(1.0, 0.01, 0.1, per="run")),
    replay=Uniform(100_000),
    sync=Periodic(1_000),
    optimiser=Adam(2.5e-4, max_grad_norm=10.0),
    batch_size=64,
    rollout=4,
    updates=8,
    learning_starts=5_000,
)
# Hessel et al. 2018; no reward of these games is below 0.
RAINBOW = dataclasses.replace(
    PLAIN,
    network=Convolutional(Minatar(), head=Dueling(Noisy()), layer=Noisy()),
    returns=Categorical(51, 0.0, 40.0),
    exploration=EpsilonGreedy(Linear(1.0, 0.01, 0.05, per="run")),
    replay=Prioritised(100_000, alpha=0.5),
    n_step=3,
)
# Gallici et al. 2025, but for binary planes as they are.
PARALLEL = PQN(
    network=Convolutional(Minatar(), layer_norm=True),
    exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.1, per="run")),
    optimiser=RAdam(5e-4, annealing=TO_ZERO, max_grad_norm=10.0),
    trace_decay=0.65,
    rollout=32,
    epochs=2,
    minibatches=32,
)


def recipe(agent: Agent, game: str, lanes: int, steps: int) -> Recipe:
    """A run of one game, judged twenty times."""
    env = Env(f"argmaxq/MinAtar-{game}-v0", lanes=lanes)
    return Recipe(agent, env, steps, Evaluation(steps // 20, 30), checkpoint_every=steps // 5)


RECIPES = {
    f"minatar-{name}/{kind}": recipe(agent, game, lanes, steps)
    for name, game in GAMES.items()
    for kind, agent, lanes, steps in (
        ("dqn", PLAIN, 8, 1_000_000),
        ("rainbow", RAINBOW, 8, 1_000_000),
        ("pqn", PARALLEL, 128, 5_000_000),
    )
}
