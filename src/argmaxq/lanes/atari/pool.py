"""Lanes of EnvPool's copies of ALE's games."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from argmaxq.lanes.atari.game import learning
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.lanes.envpool_lanes import THREADING, EnvPoolLanes
from argmaxq.lanes.frames import pictures
from argmaxq.lanes.lanes import Learnt, Step

POOL = (*THREADING, "use_inter_area_resize")
"""Arguments that are EnvPool's alone."""


class PooledGames(EnvPoolLanes):
    """``lanes`` copies of a game that EnvPool knows, as ``Game`` but for what is scored before the first env step.

    Raises:
        UserError: EnvPool is missing, or does not know the game or an argument.
    """

    def __init__(self, id: str, lanes: int, kwargs: Mapping[str, Any], options: Atari) -> None:
        self._games, self._lives = options, np.zeros(lanes, np.int32)
        own = {
            "stack_num": options.frames,
            "img_height": options.size,
            "img_width": options.size,
            "gray_scale": options.grey,
            "frame_skip": options.skip,
            "noop_max": max(options.noops, 1),  # which must be one at least
            "use_fire_reset": options.fire,
            "repeat_action_probability": options.sticky,
            "episodic_life": False,  # it would spend an env step on each life
            "reward_clip": False,
        }
        super().__init__(id, lanes, own | dict(kwargs))

    def _space(self, pool: Any) -> Any:
        return pictures(self._games.frames, self._games.frame)

    def _seen(self, info: dict[str, Any], step: Step) -> Step:
        lost, self._lives = info["lives"] < self._lives, info["lives"].copy()
        if self._games.life_loss == "none" or not lost.any():
            return step
        reward, terminated = learning(self._games, step.reward, step.terminated, lost)
        return step._replace(learnt=Learnt(reward.astype(np.float32), terminated))
