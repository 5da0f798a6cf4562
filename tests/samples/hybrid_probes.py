"""Small environments with parameterised actions whose best action and parameters are known."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.components.component import bind
from argmaxq.domains.catalogue import functional, time_limit
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.replay.uniform import Uniform
from samples.probes import OneStep
from support.trainer import compiled_engine, train

AIM, REST = 0.3, -0.1
"""What the aiming action is best at, in the environment's units, and what the other one earns."""


class Aiming(OneStep):
    """One step; the observation is +-1.

    Action 0 earns -(x - 0.3 obs)^2 with its parameter x in [-0.5, 1]; action 1 earns -0.1 whatever its parameter. So
    action 0 is best at x = 0.3 obs, but worse than action 1 where its parameter is in the middle of its range.
    """

    action_space = Tuple([Discrete(2), Tuple([Box(-0.5, 1.0, (1,), np.float32), Box(0.0, 9.0, (1,), np.float32)])])

    def observation(self, state: Any, rng: Any, params: Any = None) -> Any:
        return state.sign[None]

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        number, (aim, _) = action
        return jnp.where(number == 0, -jnp.square(aim[0] - AIM * state.sign), REST)


class Choosing(Aiming):
    """The same with a sign of its own for each action, so that one of them earns 1 where the other earns -1.

    The action's number is best 0 for +1 and 1 for -1; then its parameter x in [0, 9] earns 1 - (x/9 - 1)^2.
    """

    action_space = Tuple([Discrete(2), Box(0.0, 9.0, (1,), np.float32)])

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        number, parameter = action
        right = jnp.where(number == 0, state.sign, -state.sign)
        return right - jnp.square(parameter[0] / 9 - 1)


def greedy(env: CompiledEnv, agent: Any, params: Any) -> list[Any]:
    """The environment's own greedy actions where the observation is +1 and -1."""
    bound, (_, decode) = bind(agent, env.spaces), env._actions
    return [decode(np.asarray(bound.greedy(params, (), np.float32([sign]))[0])) for sign in (1, -1)]


def learnt(agent: Any, env: CompiledEnv, seeds: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Greedy actions where the observation is +1 and -1 after 2,000 updates: numbers [2], first parameters [2].

    They are medians over seeds: of a hundred seeds, up to nine end a tenth away from the best parameter.
    """
    state, _ = train(compiled_engine(agent, env, 4, tuple(range(seeds))), 520)
    of_each = [
        greedy(env, agent, jax.tree.map(operator.itemgetter(seed), state.learner.params)) for seed in range(seeds)
    ]
    actions = [[(number, np.ravel(own[0])[0]) for number, own in found] for found in of_each]
    numbers, parameters = np.moveaxis(np.median(actions, axis=0), -1, 0)
    return numbers, parameters


AIMING, CHOOSING = CompiledEnv(Aiming()), CompiledEnv(Choosing())
PLATFORM = CompiledEnv(functional("argmaxq/Platform-v0"), time_limit("argmaxq/Platform-v0"))

DECAY = Linear(1.0, 0.0, 2_000, per="update")
LEARNING: dict[str, Any] = {
    "exploration": EpsilonGreedy(Constant(0.5)),
    "replay": Uniform(2_000),
    "optimiser": Adam(5e-3, annealing=DECAY),
    "batch_size": 64,
    "rollout": 4,
    "updates": 4,
    "learning_starts": 200,
}
"""How any agent learns them in 2,000 updates."""
