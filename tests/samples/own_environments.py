"""Environments of users' own, of many kinds: sound ones, odd ones, and ones with a mistake."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

Returned = Any


class Own(gym.Env[Any, Any]):
    """Episodes of five steps in any spaces, by default four numbers and two actions; reward 1 for the last action."""

    observation_space: gym.Space[Any] = spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space: gym.Space[Any] = spaces.Discrete(2)
    length = 5

    def __init__(self, seen: gym.Space[Any] | None = None, done: gym.Space[Any] | None = None) -> None:
        self.observation_space = seen or self.observation_space
        self.action_space = done or self.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Returned:
        super().reset(seed=seed)
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.observe(), {}

    def step(self, action: Any) -> Returned:
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.steps += 1
        return self.observe(), float(self.steps == self.length), self.steps == self.length, False, {}

    def observe(self) -> Any:
        return self.observation_space.sample()


def changed(change: Callable[..., Any], space: gym.Space[Any] | None = None, at: int = 0) -> Callable[[], Own]:
    """Own, whose ``step`` returns what ``change`` makes of its five values from step ``at`` of an episode on."""

    class Changed(Own):
        def step(self, action: Any) -> Returned:
            result = super().step(action)
            return change(*result) if self.steps > at else result

    return lambda: Changed(space)


def seen(value: Any, space: gym.Space[Any] | None = None, at: int = 0) -> Callable[[], Own]:
    """Own, which shows ``value`` from step ``at`` of each episode on."""

    class Seen(Own):
        def observe(self) -> Any:
            return value if self.steps >= at else super().observe()

    return lambda: Seen(space)


class Old(Own):
    """As gym had it before 0.26: ``reset`` gives an observation alone, ``step`` four values."""

    def reset(self, **options: Any) -> Returned:
        return super().reset(**options)[0]

    def step(self, action: Any) -> Returned:
        obs, reward, terminated, _, info = super().step(action)
        return obs, reward, terminated, info


class Seedless(Own):
    def reset(self) -> Returned:  # type: ignore[override]
        return super().reset()


class Masked(Own):
    def reset(self, **options: Any) -> Returned:
        return super().reset(**options)[0], {"action_mask": np.ones(2, np.int8)}


class Endless(Own):
    length = -1


class Limited(Own):
    """Truncates by itself."""

    def step(self, action: Any) -> Returned:
        obs, reward, _, _, info = super().step(action)
        return obs, reward, False, self.steps >= 7, info


class Raising(Own):
    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        if where == "init":
            raise RuntimeError("the simulator\nis not there")

    def reset(self, **options: Any) -> Returned:
        if self.where == "reset":
            raise RuntimeError("the simulator is not there")
        return super().reset(**options)

    def step(self, action: Any) -> Returned:
        if self.where == "step":
            raise RuntimeError("the simulator is not there")
        return super().step(action)


class Sized(Own):
    """Wants to know a size, and how to render."""

    def __init__(self, size: int, *, render_mode: str | None = None) -> None:
        super().__init__(spaces.Box(-1.0, 1.0, (size,), np.float32))
        self.render_mode = render_mode


class Duck:
    """Has all methods of an environment, but is none."""

    observation_space, action_space = Own.observation_space, Own.action_space

    def reset(self, **options: Any) -> Returned:
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Returned:
        return self.observation_space.sample(), 0.0, False, False, {}


def vector(mode: gym.vector.AutoresetMode) -> Callable[[], Any]:
    return lambda: gym.vector.SyncVectorEnv([Limited] * 2, autoreset_mode=mode)


def batched(change: Callable[..., Any], space: gym.Space[Any] = Own.observation_space) -> Callable[[], Any]:
    """A vector environment, whose ``step`` returns what ``change`` makes of its five values."""

    class Batched(gym.vector.SyncVectorEnv):
        def step(self, actions: Any) -> Returned:
            return change(*super().step(actions))

    return lambda: Batched([lambda: Own(space)] * 2)


def unmarked() -> Any:
    """A vector environment that does not say how it resets."""
    env = gym.vector.SyncVectorEnv([Own] * 2)
    env.metadata = {}
    return env


FLAT = spaces.Box(-1.0, 1.0, (4,), np.float32)
IMAGE = spaces.Box(0, 255, (12, 12, 3), np.uint8)
NESTED = spaces.Dict(
    camera=spaces.Box(0, 255, (4, 4), np.uint8),
    arm=spaces.Tuple([spaces.Discrete(3, start=-1), spaces.Tuple([spaces.MultiBinary(2), FLAT])]),
    gears=spaces.MultiDiscrete([2, 3], start=[1, 5]),
)


class Undrawn(gym.Env[Any, Any]):
    """One step an episode, and no pictures."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, **kwargs: Any) -> Any:
        super().reset(seed=kwargs.get("seed"))
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(2, np.float32), 1.0, True, False, {}
