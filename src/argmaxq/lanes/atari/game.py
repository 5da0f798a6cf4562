"""One of ALE's games behind DeepMind's preprocessing, as a Gymnasium environment."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding

from argmaxq.components.errors import UserError
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.lanes.atari.screen import Shrink
from argmaxq.lanes.frames import begun, moved_on, pictures
from argmaxq.types import LEARNT

NAMESPACE = "ALE/"
"""What the ids of ALE's games begin with."""
LIMIT = 27_000
"""Env steps of an episode at most, half an hour of play."""
RAW = {"frameskip": 1, "repeat_action_probability": 0.0, "max_num_frames_per_episode": 0, "obs_type": "grayscale"}
"""What an environment of ALE's must not do, since it is done here."""


class Game(gym.Wrapper[Any, Any, Any, Any]):
    """An environment of ALE's, made with ``RAW``, as agents see it.

    Each game begins from the state after loading, so that an episode depends on its generator and its actions alone.
    Rewards are the game's own; ``info["learnt"]`` says what learning is told in place of reward and termination.

    Raises:
        UserError: it is none of ALE's games, or its actions are not a choice of buttons.
    """

    def __init__(self, env: gym.Env[Any, Any], options: Atari, limit: int = LIMIT) -> None:
        super().__init__(env)
        ale_env: Any = env.unwrapped
        if not hasattr(ale_env, "ale") or not isinstance(env.action_space, gym.spaces.Discrete):
            raise UserError("env.atari is for ALE's games with discrete actions, such as ALE/Breakout-v5: leave it out")
        self._ale, self._options, self._max_episode_steps = ale_env.ale, options, limit
        names = ale_env.get_action_meanings()
        self._buttons = [_buttons()[name] for name in names]
        self._fire = names.index("FIRE") if options.fire and "FIRE" in names else None
        height, width = self._ale.getScreenDims()
        self._shrink = Shrink((height, width), options.size, options.size)
        self._screens = np.zeros((2, height, width, *(() if options.grey else (3,))), np.uint8)
        self._loaded = self._ale.cloneState(include_rng=True)
        self.observation_space: Any = pictures(options.frames, options.frame)
        self._stack = np.zeros(self.observation_space.shape, np.uint8)
        self._held = self._noop = names.index("NOOP")
        self._steps, self._lives, self._before = 0, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a game; what is scored before the first env step counts with that."""
        if seed is not None:
            self.unwrapped.np_random, _ = seeding.np_random(seed)
        self._start()
        most = self._options.noops
        for _ in range(int(self.unwrapped.np_random.integers(1, most + 1)) if most else 0):
            self._before += self._ale.act(self._buttons[self._noop])
            if self._over:
                self._start()
        if self._fire is not None:
            self._before += self._play(self._fire)
            if self._over:
                self._start()
        self._steps, self._lives = 0, self._ale.lives()
        self._look(self._screens[1])
        self._stack = begun(self._frame(), self._options.frames)
        return self._stack, {"lives": self._lives}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Hold a button for ``skip`` frames."""
        reward = float(self._play(int(action)))
        score, self._before, self._steps = reward + self._before, 0, self._steps + 1
        self._stack = moved_on(self._stack, self._frame())
        lives, over = self._ale.lives(), self._over
        lost, self._lives = lives < self._lives, lives
        learnt = learning(self._options, reward, over, lost)
        return self._stack, score, over, self._steps >= self._max_episode_steps, {"lives": lives, LEARNT: learnt}

    @property
    def _over(self) -> bool:
        return bool(self._ale.game_over(with_truncation=False))

    def _start(self) -> None:
        self._ale.restoreState(self._loaded)
        self._ale.reset_game()
        self._before, self._held = 0, self._noop
        self._look(self._screens[1])

    def _play(self, action: int) -> int:
        """Some frames of an action, as the screens then show; returns what was scored."""
        scored, sticky, chance = 0, self._options.sticky, self.unwrapped.np_random
        for left in reversed(range(self._options.skip)):
            if not sticky or chance.random() >= sticky:
                self._held = action
            scored += self._ale.act(self._buttons[self._held])
            over = self._over
            if left == 1 and not over:
                self._look(self._screens[0])
            if over:
                break
        self._look(self._screens[1])
        if self._options.skip > 1 and not over:
            np.maximum(self._screens[0], self._screens[1], out=self._screens[1])
        return scored

    def _look(self, into: np.ndarray) -> None:
        """Copy the screen."""
        (self._ale.getScreenGrayscale if self._options.grey else self._ale.getScreenRGB)(into)

    def _frame(self) -> np.ndarray:
        """The screen as an agent sees it [planes, size, size]."""
        planes = self._screens[1] if self._screens.ndim == 4 else self._screens[1][..., np.newaxis]
        return np.stack([self._shrink(planes[..., plane]) for plane in range(planes.shape[-1])])


def learning(options: Atari, reward: Any, terminated: Any, lost: Any) -> tuple[Any, Any]:
    """Reward and termination as learning is told them, where a life may be ``lost``; numbers or arrays."""
    match options.life_loss:
        case "ends":
            return reward, terminated | lost
        case "reward":
            return reward + options.life_reward * lost, terminated
    return reward, terminated


def _buttons() -> dict[str, Any]:
    """ALE's actions by name."""
    import ale_py

    return dict(ale_py.Action.__members__)
