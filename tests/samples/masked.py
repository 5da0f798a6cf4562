"""Environments that tell which actions are allowed, and cannot bear others: their reward is then no number."""

from typing import Any, NamedTuple

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Dict, Discrete

from argmaxq.domains.gym_env import GymEnv

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
