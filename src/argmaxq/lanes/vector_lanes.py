"""Lanes of a user's own vector environment, whatever its autoreset mode."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from argmaxq.components.errors import UserError
from argmaxq.lanes.gymnasium_lanes import lane_seeds
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.lanes import Step, Unseen, begun
from argmaxq.lanes.masks import Mask, offered
from argmaxq.lanes.misfits import RESET, batch_fault, kind
from argmaxq.lanes.restarted import Restarted
from argmaxq.lanes.spaces import read_spaces
from argmaxq.types import ACTION_MASK


class VectorLanes(Restarted):
    """A ``gymnasium.vector.VectorEnv`` seen with next-step autoreset.

    NEXT_STEP environments already are so. The others start a new episode at once, so that:

    - after a termination there is no ``last`` row: the final observation is never used, and the next row is already
      the new episode's first;
    - after a truncation the ``last`` row shows the final observation. The action given with it reaches the new episode,
      whose first step is therefore not recorded. In DISABLED mode the lane is reset once more, so that recording begins
      at an episode's first observation; in SAME_STEP mode it begins after that unseen step (or, where the unseen step
      ended the episode, with the next one), and what the step gave is told as ``unseen``.

    With ``whole`` there is no ``last`` row in SAME_STEP mode at all: all episodes are shown from their first
    observations on, and the final ones stand beside these.

    A vector environment hides its generators, so ``restore`` ends every lane's episode.

    Raises:
        UserError: the spaces fit no agent, or the environment does not say how it resets.
    """

    def __init__(
        self,
        env: gym.vector.VectorEnv[Any, Any, Any],
        choices: Choices = (),
        mask: Mask = "none",
        whole: bool = False,
    ) -> None:
        self._whole = whole
        self._adaptor = adaptor = read_spaces(env.single_observation_space, env.single_action_space, choices, mask)
        self._env, self._decode = env, adaptor.decode
        self._mode = autoreset_mode(env)
        self.spaces, self.lanes = adaptor.spaces, env.num_envs
        self.offered: Mask = "none"
        self._seed, self._count = 0, 0
        self._last = np.zeros(self.lanes, np.bool_)
        self._obs = np.zeros((self.lanes, *self.spaces.stored.shape), self.spaces.stored.dtype)
        self._fresh: np.ndarray | None = None

    def reset(self, seed: int) -> np.ndarray:
        """Start every lane's first episode, all randomness from ``seed``; returns observations [lanes, ...]."""
        return self._restart(seed, 0)

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane; see ``Lanes.step``."""
        self._count += 1
        if self._fresh is not None:
            self._obs, self._last, self._fresh = self._fresh, np.zeros(self.lanes, np.bool_), None
            return begun(self._obs)
        ignored = self._last
        result = self._env.step(self._decode(actions))
        if fault := batch_fault(result, self.lanes):
            raise UserError(f"{self._name} {fault} (env step {self._count * self.lanes})")
        seen, gained, ended, cut, infos = result
        obs = self._observed(seen, infos, ended & (self._mode is not AutoresetMode.SAME_STEP))
        reward = np.where(ignored, 0.0, gained).astype(np.float32)
        terminated, truncated = ended & ~ignored, cut & ~ignored
        last = truncated | terminated if self._mode is AutoresetMode.NEXT_STEP else truncated & ~terminated
        unseen = final = None
        if self._mode is AutoresetMode.SAME_STEP:
            unseen = _unseen(ignored & ~(ended | cut), gained)
            shown = obs.copy() if self._whole else obs
            for lane in np.flatnonzero(last).tolist():
                own = _own(infos.get("final_info", {}), lane)
                shown[lane] = self._adaptor.whole(final_observation(infos, lane), own)
            if self._whole:
                final, last = shown, np.zeros(self.lanes, np.bool_)
        elif self._mode is AutoresetMode.DISABLED and (over := ended | cut | ignored).any():
            fresh = self._observed(*self._env.reset(options={"reset_mask": over}), ~over)
            obs[over & ~last] = fresh[over & ~last]
        self._obs, self._last = obs, last
        return Step(obs, reward, terminated, truncated, last, unseen=unseen, final=final)

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """End every lane's episode; the next ones' seed depends on the saved moment. Returns all lanes."""
        self._fresh = self._restart(int(saved["seed"]), int(saved["count"]))
        self._obs, self._last = saved["observations"].copy(), np.ones(self.lanes, np.bool_)
        return list(range(self.lanes))

    def close(self) -> None:
        """Free windows, processes and threads."""
        self._env.close()

    def _restart(self, seed: int, count: int) -> np.ndarray:
        self._seed, self._count = seed, count
        # One number, for not every vector environment takes a list of seeds.
        result: Any = self._env.reset(seed=lane_seeds(seed, count, 1)[0])
        if not isinstance(result, tuple) or len(result) != 2:
            raise UserError(f"{self._name} reset returned {kind(result)} where {RESET} is needed")
        self.offered = offered(self._env.single_observation_space, result[1])
        self._obs, self._last, self._fresh = self._observed(*result), np.zeros(self.lanes, np.bool_), None
        return self._obs

    @property
    def _name(self) -> str:
        return type(self._env.unwrapped).__name__

    def _observed(self, seen: Any, infos: Any, over: Any = False) -> np.ndarray:
        """Observations as an agent sees them, copied, for the environment may write the next ones into the same array.

        No action follows in lanes that are ``over``, unless the environment shows the next episode there already.

        Raises:
            UserError: they are none of their space.
        """
        where = f"(env step {self._count * self.lanes})"
        try:
            obs = np.array(self._adaptor.whole(seen, infos, over))
        except UserError as error:
            raise UserError(f"{self._name}: {error} {where}") from error
        if obs.shape != (shape := (self.lanes, *self.spaces.stored.shape)):
            raise UserError(f"{self._name} gave observations of shape {obs.shape}; its spaces say {shape} {where}")
        return obs


def autoreset_mode(env: gym.vector.VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """The mode an environment declares in its metadata.

    Raises:
        UserError: it declares none; guessing would mix up episodes.
    """
    declared = env.metadata.get("autoreset_mode")
    try:
        return AutoresetMode(declared)
    except ValueError as error:
        raise UserError(
            f"{type(env).__name__}.metadata['autoreset_mode'] is {declared!r}: set it to "
            "gymnasium.vector.AutoresetMode.NEXT_STEP, SAME_STEP or DISABLED, as the environment does"
        ) from error


def final_observation(infos: dict[str, Any], lane: int) -> Any:
    """What an episode of a lane ended with, in same-step mode.

    Raises:
        UserError: the environment does not say.
    """
    if "final_obs" not in infos or not infos.get("_final_obs", {lane: True})[lane]:
        raise UserError(
            "the vector environment resets in the same step but gave no infos['final_obs'] at a truncation: "
            "provide it, or use AutoresetMode.NEXT_STEP"
        )
    return infos["final_obs"][lane]


def _unseen(played: np.ndarray, gained: np.ndarray) -> Unseen | None:
    """What was gained [lanes] where steps were ``played`` [lanes] unseen; None where none was."""
    return Unseen(played, np.where(played, gained, 0.0).astype(np.float32)) if played.any() else None


def _own(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    """One lane's part of the infos of all."""
    return {name: each[lane] for name, each in infos.items() if name == ACTION_MASK}
