"""CartPole of which an agent sees frames, as Gymnasium draws them."""

import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box

from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole, CartPoleState
from argmaxq.domains.pixels.frames import WHITEST, differences, levels, newest_and_differences
from argmaxq.domains.pixels.raster import Raster
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

LEANING = math.radians(160)
"""The angle at which the pole has fallen, far beyond CartPole-v1's, as a course has it."""


class FramesState(NamedTuple):
    """Cart and pole, and the newest frames, the newest first: int8 [count, *frame]."""

    physics: CartPoleState
    frames: Array


class CartPolePixels(FuncEnv[FramesState, Array, Array, Array, Array, None, None]):
    """CartPole from the difference of two frames, which goes on until the pole leans by 160 degrees.

    A frame is the middle of Gymnasium's screen, rows 40 to 80 %, made small by a bilinear resize. Its levels are 0
    (black) to 127 (white), so that differences, -127 to 127, are int8. The first difference of an episode is 0.

    Args:
        height: Rows of a frame.
        width: Columns of a frame.
        colour: Red, green and blue on a last axis in place of grey.

    Raises:
        UserError: a size below 1, or one above the screen's.
    """

    count: ClassVar[int] = 2
    """Frames that an observation is made of."""
    depth: ClassVar[tuple[int, ...]] = ()
    """Leading axes of an observation."""
    dynamics = CartPole({"angle_limit": LEANING})
    action_space = CartPole.action_space
    action_names = CartPole.action_names
    render_fps = 50

    def __init__(self, height: int = 40, width: int = 90, colour: bool = False) -> None:
        super().__init__()
        if not (1 <= height <= 160 and 1 <= width <= 600):
            raise UserError(f"frames of {height} x {width}: from 1 x 1 to 160 x 600 is possible")
        self.raster = Raster(height, width, colour)
        self.observation_space = Box(-WHITEST, WHITEST, (*self.depth, *self.raster.shape), np.int8)

    def initial(self, rng: Array, params: None = None) -> FramesState:
        """CartPole's, as if it had always stood there."""
        physics = self.dynamics.initial(rng)
        return FramesState(physics, jnp.stack([self._frame(physics)] * self.count))

    def transition(self, state: FramesState, action: Array, rng: Array, params: None = None) -> FramesState:
        """CartPole's, and one frame more."""
        physics = self.dynamics.transition(state.physics, action, rng)
        return FramesState(physics, jnp.concatenate([self._frame(physics)[jnp.newaxis], state.frames[:-1]]))

    def observation(self, state: FramesState, rng: Array, params: None = None) -> Array:
        """What is seen of the newest frames: int8."""
        return self.seen(state.frames)

    def seen(self, frames: Array) -> Array:
        """The newest of the frames minus the one before: int8 [height, width], in colour [height, width, 3].

        Of NumPy's arrays and of JAX's.
        """
        return differences(frames)[0]

    def reward(
        self, state: FramesState, action: Array, next_state: FramesState, rng: Array, params: None = None
    ) -> Array:
        """1, for the step that ends the episode too."""
        return self.dynamics.reward(state.physics, action, next_state.physics, rng)

    def terminal(self, state: FramesState, rng: Array, params: None = None) -> Array:
        """Whether the cart is off the track or the pole has fallen."""
        return self.dynamics.terminal(state.physics, rng)

    def picture(self, state: FramesState) -> "pygame.Surface":
        """Gymnasium's own screen."""
        from argmaxq.domains.pixels.screen import screen

        return screen(*(float(value) for value in state.physics))

    def _frame(self, physics: CartPoleState) -> Array:
        return levels(self.raster(physics.position, physics.angle))


class CartPoleStacked(CartPolePixels):
    """CartPole-v1 with its own limits, from its newest frame and the differences of the last four.

    An observation is [4, height, width]: how dark the newest frame is, so that what is empty is 0, then the newest
    difference and two older ones. An episode begins as if nothing had moved before. Frames are ``CartPolePixels``'s.
    """

    count = 4
    depth = (4,)
    dynamics = CartPole()

    def seen(self, frames: Array) -> Array:
        """The newest frame and three differences: int8 [4, height, width], in colour [4, height, width, 3]."""
        return newest_and_differences(frames)
