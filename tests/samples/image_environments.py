"""Environments whose observations are pictures, as users write them."""

from typing import Any

import gymnasium as gym
import numpy as np


class Light(gym.Env[Any, Any]):
    """A bright square on the left or on the right: the action of that side earns 1."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, shape: tuple[int, ...] = (24, 20, 3), beside: bool = False) -> None:
        self.shape, self.beside = shape, beside
        picture = gym.spaces.Box(0, 255, shape, np.uint8)
        pose = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.observation_space = gym.spaces.Dict({"camera": picture, "pose": pose}) if beside else picture

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        reward, self.time = float(action == self.side), self.time + 1
        return self._seen(), reward, False, self.time == 10, {}

    def _seen(self) -> Any:
        self.side = int(self.np_random.integers(2))
        picture = self.np_random.integers(0, 30, self.shape, dtype=np.uint8)
        axis = 2 if self.shape[0] < 5 else 1  # the width
        half = self.shape[axis] // 2
        ends = slice(half, None) if self.side else slice(None, half)
        picture[(slice(None),) * axis + (ends,)] += 200
        pose = self.np_random.normal(size=2).astype(np.float32)
        return {"camera": picture, "pose": pose} if self.beside else picture


gym.register("Light-v0", Light)
