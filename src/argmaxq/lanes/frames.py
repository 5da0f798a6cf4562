"""Observations that are the newest frames of a film: how an environment says so, and making them of single frames."""

from typing import Any

import gymnasium as gym
import numpy as np


class FrameStack(gym.spaces.Box):
    """A Box of ``frames`` frames along its first axis, the newest last; an episode begins with copies of its first.

    So each observation shows one frame that the one before it did not, and a replay need keep no other.

    Args:
        frames: How many frames.
        frame: The shape of one, its first axis being the one that is stacked along.
        dtype: Of their numbers, 0 to 255.
    """

    def __init__(self, frames: int, frame: tuple[int, ...], dtype: Any = np.uint8) -> None:
        super().__init__(0, 255, (frames * frame[0], *frame[1:]), dtype)
        self.frames = frames


def begun(frame: np.ndarray, frames: int) -> np.ndarray:
    """An episode's first observation, of its first frame."""
    return np.concatenate([frame] * frames)


def moved_on(stack: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The observation after ``stack``, with a new frame."""
    return np.concatenate([stack[len(frame) :], frame])
