"""What a little random play shows of an environment: the scales of its observations and rewards, and its episodes."""

import dataclasses
from typing import Any

import gymnasium as gym
import numpy as np

from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled, single
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.masks import hinting
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.spaces import Spaces

STEPS = 1_000
"""Steps of random play, over all lanes: some seconds where an environment is slow."""
WIDEST = 256
"""Entries of an observation up to which each is looked at by itself."""


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """Random play, row by row.

    Attributes:
        spaces: What an agent sees of the environment.
        time_limit: Steps after which it truncates an episode; none: none is known.
        lanes: How many lanes a vector environment has; none: it can be made as often as one likes.
        obs: Observations [rows, entries], flat; without rows where they are an index or have too many entries.
        reward: Rewards [steps, lanes].
        over: Whether an episode ended with the step [steps, lanes].
    """

    spaces: Spaces
    time_limit: int | None = None
    lanes: int | None = None
    obs: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0)))
    reward: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 1)))
    over: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 1), bool))

    @property
    def steps(self) -> int:
        """How many steps were played, over all lanes."""
        return self.reward.size

    @property
    def episodes(self) -> int:
        """How many episodes came to an end."""
        return int(self.over.sum())

    @property
    def endless(self) -> bool:
        """Whether nothing is known to end an episode, not even random play, and a time limit could be set."""
        return self.time_limit is None and self.lanes is None and self.steps > 0 and not self.episodes

    @property
    def longest(self) -> int | None:
        """Steps of the longest episode that can be expected: the time limit, else the longest that was seen to end."""
        if self.time_limit is not None or not self.episodes:
            return self.time_limit
        ends = [np.flatnonzero(lane) for lane in self.over.T]
        return max(int(np.diff(each, prepend=-1).max()) for each in ends if len(each))

    def largest_return(self, gamma: float) -> float:
        """The greatest absolute sum of discounted rewards from any step to its episode's end, or to the last step."""
        following, largest = np.zeros(self.reward.shape[1]), 0.0
        for reward, over in zip(self.reward[::-1], self.over[::-1], strict=True):
            following = np.nan_to_num(reward, posinf=0.0, neginf=0.0) + gamma * np.where(over, 0.0, following)
            largest = max(largest, float(np.abs(following).max()))
        return largest


def survey(env: Env, steps: int = STEPS) -> Survey:
    """Play ``steps`` random steps, the same ones each time where the environment is repeatable.

    Raises:
        UserError: the environment cannot be made or fits no agent.
    """
    lanes, limit, own = _opened(env)
    try:
        with hinting(env.mask, lambda: lanes.offered):
            return _played(lanes, steps, limit, own)
    finally:
        lanes.close()


def registered_limit(env: Any) -> int | None:
    """Steps after which a Gymnasium environment truncates an episode, where its spec or a wrapper says so."""
    spec = getattr(env, "spec", None)
    limit: int | None = spec.max_episode_steps if spec else None
    while limit is None and isinstance(env, gym.Wrapper):
        # An environment that was never registered has no spec, and the wrapper shows its limit nowhere else.
        limit, env = getattr(env, "_max_episode_steps", None), env.env
    return limit


def _opened(env: Env) -> tuple[Lanes, int | None, int | None]:
    """One lane, or as many as a vector environment has; its time limit; and that number of lanes."""
    functional: CompiledEnv | None = compiled(env) if callable(env.id) else None
    if functional is not None:
        return FuncLanes(functional, 1), functional.time_limit, None
    made = single(env)
    if isinstance(made, gym.vector.VectorEnv):
        vector = VectorLanes(made, env.choices, env.mask)
        return vector, registered_limit(made), vector.lanes
    return GymnasiumLanes(lambda: made, 1, env.choices, mask=env.mask), registered_limit(made), None


def _played(lanes: Lanes, steps: int, limit: int | None, own: int | None) -> Survey:
    spaces, generator = lanes.spaces, np.random.default_rng(0)
    seen = not spaces.observation.categories and np.prod(spaces.observation.shape) <= WIDEST
    last = lanes.reset(0)
    obs, rewards, ends = [spaces.legal.seen(last)], [], []
    for _ in range(-(-steps // lanes.lanes)):
        step = lanes.step(spaces.random(generator, last))
        last = step.obs
        rewards.append(step.reward)
        ends.append(step.terminated | step.truncated)
        if seen:
            obs.append(spaces.legal.seen(last))
    rows = np.stack(obs).reshape(len(obs) * lanes.lanes, -1).astype(float) if seen else np.zeros((0, 0))
    return Survey(spaces, limit, own, rows, np.array(rewards, float), np.array(ends))
