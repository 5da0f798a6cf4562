"""What cannot be done without memory: a memory chain, a T-maze, and CartPole without its velocities."""

import dataclasses

from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO
from argmaxq.learning.schedules import Linear as Falling
from argmaxq.learning.sync import Periodic
from argmaxq.networks.recurrent import GRU, Recurrent
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.recipes.stop import EvaluationReturn
from argmaxq.replay.prioritised import Prioritised

STEPS = 500_000
CHAIN, MAZE, HIDDEN = (Env(f"argmaxq/{name}-v0", lanes=16) for name in ("MemoryChain", "TMaze", "CartPoleHidden"))

REMEMBERING = R2D2(
    network=Recurrent((64,), GRU(64)),
    exploration=EpsilonGreedy(Falling(1.0, 0.05, 0.2, per="run")),
    replay=Prioritised(100_000, alpha=0.9),
    sync=Periodic(64),
    optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
    burn_in=0,
    length=40,
    stride=16,
    n_step=5,
    batch_size=32,
    rollout=16,
    updates=4,
)


def recipe(agent: R2D2 | RecurrentPQN, env: Env, best: float) -> Recipe:
    """A run of these domains, which ends once an evaluation gives the ``best`` there is."""
    return Recipe(agent, env, STEPS, Evaluation(25_000, 100), stop=EvaluationReturn(best), checkpoint_every=STEPS // 2)


RECIPES = {
    "memorychain/r2d2": recipe(REMEMBERING, CHAIN, 1.0),
    "tmaze/r2d2": recipe(REMEMBERING, MAZE, 4.0),
    "cartpole-hidden/r2d2": recipe(dataclasses.replace(REMEMBERING, rewards=Scale(0.1)), HIDDEN, 500.0),
    "cartpole-hidden/pqn-gru": recipe(
        RecurrentPQN(
            network=Recurrent((128,), GRU(128), layer_norm=True),
            exploration=EpsilonGreedy(Falling(1.0, 0.05, 0.2, per="run")),
            optimiser=RAdam(4e-4, annealing=TO_ZERO, max_grad_norm=10.0),
            trace_decay=0.9,
            rollout=32,
            epochs=4,
            minibatches=8,
            rewards=Scale(0.1),
        ),
        Env("argmaxq/CartPoleHidden-v0", lanes=32),
        500.0,
    ),
}
