"""Observations that are the newest frames of a film: how an environment says so, and making them of single frames."""

from typing import Any

import gymnasium as gym
import numpy as np

SEEING_THE_SAME = (
    gym.wrappers.TimeLimit,
    gym.wrappers.RecordEpisodeStatistics,
    gym.wrappers.OrderEnforcing,
    gym.wrappers.PassiveEnvChecker,
)
"""Wrappers that leave observations as they are."""


class FrameStack(gym.spaces.Box):
    """A Box of ``frames`` frames along its first axis, the newest last; an episode begins with copies of its first.

    So each observation shows one frame that the one before it did not, and a replay need keep no other.
    """

    def __init__(self, box: gym.spaces.Box, frames: int) -> None:
        super().__init__(box.low, box.high, box.shape, box.dtype)
        self.frames = frames


def pictures(frames: int, frame: tuple[int, ...]) -> FrameStack:
    """Frames of bytes; the first axis of a frame's shape is the one that they are stacked along."""
    return FrameStack(gym.spaces.Box(0, 255, (frames * frame[0], *frame[1:]), np.uint8), frames)


def observations(env: gym.Env[Any, Any]) -> gym.Space[Any]:
    """An environment's observation space, a FrameStack where Gymnasium's wrapper makes it one."""
    space, inner = env.observation_space, env
    while isinstance(inner, SEEING_THE_SAME):
        inner = inner.env
    stacks = isinstance(inner, gym.wrappers.FrameStackObservation) and inner.padding_type == "reset"
    return FrameStack(space, len(space.low)) if stacks and isinstance(space, gym.spaces.Box) else space


def begun(frame: np.ndarray, frames: int) -> np.ndarray:
    """An episode's first observation, of its first frame."""
    return np.concatenate([frame] * frames)


def moved_on(stack: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The observation after ``stack``, with a new frame."""
    return np.concatenate([stack[len(frame) :], frame])
