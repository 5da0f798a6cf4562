"""Reading an environment's spaces: what an agent sees of them, and the translation of observations and actions."""

import dataclasses
from functools import partial
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np

from argmaxq.lanes.actions import Decode, read_actions
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.masks import Mask, allowed, maskable, unmasked
from argmaxq.lanes.observations import Encode, read_observations
from argmaxq.spaces import Spaces
from argmaxq.types import ACTION_MASK

Native: TypeAlias = tuple[gym.Space[Any], gym.Space[Any]]
"""An environment's own observation and action space."""


@dataclasses.dataclass(frozen=True)
class Adaptor:
    """Translates between an environment's own observations and actions and an agent's arrays.

    ``encode`` takes one observation, or a batch in the form a vector environment gives it, and returns an array of
    shape [*spaces.observation.shape] or [batch, ...]. ``decode`` takes an agent's action, or a batch of them, and
    gives what ``env.step`` of the environment, or of a vector environment, takes. Where actions are masked, what an
    agent sees is what ``joined`` makes of an encoded observation. It pickles as what it was made of.

    Attributes:
        spaces: What the agent sees.
        encode: From the environment to the agent.
        decode: From the agent to the environment.
        source: The environment's own observation and action space, the choices and the mask: see ``read_spaces``.
    """

    spaces: Spaces
    encode: Encode
    decode: Decode
    source: tuple[gym.Space[Any], gym.Space[Any], Choices, Mask]

    def __reduce__(self) -> Any:
        return read_spaces, self.source

    @property
    def mask(self) -> Mask:
        """Where the environment tells which actions are allowed."""
        return self.source[3]

    @property
    def native(self) -> Native:
        """The environment's own observation space, without a mask of actions that is in it, and its action space."""
        observation, action = self.source[:2]
        return unmasked(observation)[0] if self.mask == "observation" else observation, action

    def whole(self, obs: Any, info: Any, over: Any = False) -> np.ndarray:
        """An observation with its info, or a batch, as an agent sees it; ``over`` where an episode is terminated.

        Raises:
            UserError: it should tell which actions are allowed, and does not.
        """
        seen = self.encode(obs)
        return self.joined(seen, obs, info, over) if self.spaces.masked else seen

    def joined(self, seen: np.ndarray, obs: Any, info: Any, over: Any = False) -> np.ndarray:
        """An encoded observation [*shape], or a batch, with its mask of actions: arrays as ``spaces.stored``."""
        told, where = (info, "info") if self.mask == "info" else (obs, "observation")
        leading = seen.shape[: seen.ndim - len(self.spaces.observation.packed.shape)]
        mask = allowed(told.get(ACTION_MASK), self.spaces.action.n, leading, over, f"{where}[{ACTION_MASK!r}]")
        return np.concatenate([seen.reshape(*leading, -1), mask.astype(seen.dtype)], axis=-1)


def read_spaces(
    observation_space: gym.Space[Any], action_space: gym.Space[Any], choices: Choices = (), mask: Mask = "none"
) -> Adaptor:
    """The adaptor of an environment with these (single, unbatched) spaces.

    Box observations keep shape and dtype, but 64-bit numbers become float32. Discrete observations become an index
    0 .. n-1, of which networks other than tables make a one-hot vector. MultiDiscrete, MultiBinary, Dict and Tuple
    observations become what ``gymnasium.spaces.flatten`` makes of them, as float32: categories are one-hot; where
    pictures of bytes are among them, rows keep them as bytes. With a ``mask`` in them, Dict observations are what is
    left without it, see ``masks.unmasked``.

    Raises:
        UserError: no agent can use such observations or actions; the message says which agent would.
    """
    rest, key = unmasked(observation_space) if mask == "observation" else (observation_space, None)
    spec, encode = read_observations(rest)
    actions, decode = read_actions(action_space, choices)
    seen = Spaces(spec, actions, maskable(actions, choices, mask))
    encode = encode if key is None else partial(_entry, key, encode)
    return Adaptor(seen, encode, decode, (observation_space, action_space, choices, mask))


def _entry(key: str, encode: Encode, obs: Any) -> np.ndarray:
    return encode(obs[key])
