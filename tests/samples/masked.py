"""Environments that tell which actions are allowed and bear no others, whose reward is no number; agents for them."""

from typing import Any, NamedTuple

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Dict, Discrete

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.domains.gym_env import GymEnv
from argmaxq.learning.returns import Categorical, HLGauss, ImplicitQuantile, Quantile, Scalar
from argmaxq.networks.heads import Implicit, SingleStream
from argmaxq.networks.layers import Noisy
from argmaxq.networks.mlp import MLP
from argmaxq.networks.recurrent import GRU, Recurrent
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform

Array = Any
ACTIONS, LENGTH = 4, 5
BEST = LENGTH * sum(number * 2**number for number in range(ACTIONS)) / (2**ACTIONS - 1)
"""Mean return of the best policy: the greatest of a random set of actions, at each step."""


class Doors(NamedTuple):
    """Which doors are open, bool [4], and steps done."""

    open: Array
    steps: Array


class OpenDoors(FuncEnv):
    """Go through an open door and gain its number; five times, after which none is open any more.

    Each step opens a random set of at least one. The observation is how many steps are done, and a 1.
    """

    observation_space = Box(-1.0, 9.0, (2,), np.float32)
    action_space = Discrete(ACTIONS)

    def initial(self, rng, params=None):
        return Doors(_some(rng), jnp.int32(0))

    def transition(self, state, action, rng, params=None):
        steps = state.steps + 1
        return Doors(_some(rng) & (steps < LENGTH), steps)

    def observation(self, state, rng, params=None):
        return jnp.stack([state.steps.astype(jnp.float32), jnp.float32(1)])

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.where(state.open[action], jnp.asarray(action, jnp.float32), jnp.nan)

    def terminal(self, state, rng, params=None):
        return state.steps >= LENGTH

    def legal(self, state):
        return state.open


def _some(rng: Array) -> Array:
    return (jax.random.randint(rng, (), 1, 2**ACTIONS) >> jnp.arange(ACTIONS)) % 2 == 1


class InDict(gym.Wrapper):
    """With the mask in an entry of the observations instead of in infos."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.observation_space = Dict(observation=env.observation_space, action_mask=Box(0, 1, (ACTIONS,), np.int8))

    def reset(self, **options: Any) -> Any:
        obs, info = self.env.reset(**options)
        return {"observation": obs, "action_mask": info.pop("action_mask")}, info

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(action)
        return {"observation": obs, "action_mask": info.pop("action_mask")}, reward, terminated, truncated, info


def doors() -> GymEnv:
    """Doors as a Gymnasium environment: the mask is in its infos."""
    return GymEnv(OpenDoors())


def doors_in_dict() -> InDict:
    """Doors whose observations hold the mask."""
    return InDict(doors())


TAXI = aq.Env("Taxi-v4", mask="info")
ENV = aq.Env(doors, mask="info", time_limit=20)


RETURNS = {
    "scalar": Scalar(),
    "c51": Categorical(11, -1.0, 15.0),
    "quantile": Quantile(5),
    "hl-gauss": HLGauss(11, -1.0, 15.0),
}


def small(name: str, steps: int = 3_000, **fields: Any) -> DQN:
    return DQN(MLP((16,)), RETURNS[name], replay=Uniform(steps), learning_starts=100, batch_size=16, **fields)


SEQUENCES = R2D2(
    Recurrent((8,), GRU(8), head=Implicit(4, SingleStream(Noisy())), layer=Noisy()),
    ImplicitQuantile(4, 4, 4),
    replay=Prioritised(3_000),
    learning_starts=100,
    **{"burn_in": 2, "length": 6, "n_step": 2, "stride": 4, "batch_size": 8, "rollout": 4},
)
"""Remembers, draws noise and levels."""
