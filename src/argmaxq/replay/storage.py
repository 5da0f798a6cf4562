"""What a replay keeps of observations: all of each, or of stacked frames the newest alone."""

import dataclasses
from typing import Annotated, Any

import jax.numpy as jnp

from argmaxq.components.annotations import Bound
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.roles import Storage
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Row


@component(Storage)
class Whole:
    """Each observation as it is."""

    @property
    def older(self) -> int:
        """None: an observation is all in its own row."""
        return 0

    def shape(self, spaces: Spaces) -> tuple[int, ...]:
        """That of an observation."""
        return spaces.stored.shape

    def kept(self, obs: Array) -> Array:
        """Observations [k, lanes, ...] as they are."""
        return obs

    def read(self, rows: Row, slot: Array, lane: Array, kept: Array) -> Array:
        """The observation [...] of a row, by its slot [] and lane []."""
        return rows.obs[slot, lane]


@component(Storage)
class Frames:
    """Of observations that are stacks of frames the newest frame, a quarter of the memory where there are four.

    A stack is made again of the rows before, up to the episode's first frame, which stands for those before it: as
    environments show them that say so, see ``lanes.frames.FrameStack``. The oldest rows can no longer be drawn, one for
    each older frame.

    Attributes:
        frames: How many frames an observation has, of the environment.
    """

    frames: Annotated[int, Bound()] = 1

    def bind(self, spaces: Spaces) -> "Frames":
        """With the number of frames in an observation."""
        return dataclasses.replace(self, frames=spaces.observation.frames or 1)

    @property
    def older(self) -> int:
        """All frames of an observation but the newest."""
        return self.frames - 1

    def shape(self, spaces: Spaces) -> tuple[int, ...]:
        """That of one frame.

        Raises:
            UserError: observations do not say that they are stacked frames, or actions are masked.
        """
        spec = spaces.observation
        if not spec.frames or spaces.masked:
            raise UserError(
                "agent.replay.storage = frames: these observations do not say that they are stacked frames; set it to "
                "whole, or stack them by gymnasium.wrappers.FrameStackObservation(env, 4)"
            )
        return spec.shape[0] // spec.frames, *spec.shape[1:]

    def kept(self, obs: Array) -> Array:
        """The newest frame of observations [k, lanes, ...]."""
        return obs[:, :, -(obs.shape[2] // self.frames) :]

    def read(self, rows: Row, slot: Array, lane: Array, kept: Array) -> Array:
        """The stack [...] that a row's observation was, by its slot [] and lane [], of ``kept`` [] slots in turn."""
        slots = (slot - self.older + jnp.arange(self.frames)) % kept
        over = rows.last[slots[:-1], lane]
        # The episode begins after the newest final observation before this one.
        first = jnp.max(jnp.where(over, jnp.arange(1, self.frames), 0), initial=0)
        frames: Any = rows.obs[slots[jnp.maximum(jnp.arange(self.frames), first)], lane]
        return frames.reshape(-1, *frames.shape[2:])
