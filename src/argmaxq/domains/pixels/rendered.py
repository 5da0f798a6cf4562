"""The same observations made of frames that Gymnasium renders, for policies that were trained on ours."""

from typing import Any

import gymnasium as gym
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.domains.pixels.cart_pole import CartPolePixels, CartPoleStacked
from argmaxq.domains.pixels.frames import levels
from argmaxq.domains.pixels.raster import BOTTOM, GREY, SCREEN_WIDTH, TOP, Raster, triangles
from argmaxq.domains.pixels.screen import RENDERED, offscreen


class RenderedFrames(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """CartPole from Gymnasium's own frames: ``CartPolePixels`` or ``CartPoleStacked``, rendered and made small.

    Args:
        env: Gymnasium's CartPole, which renders arrays.
        like: The environment of ours whose observations these are.
    """

    def __init__(self, env: gym.Env[np.ndarray, Any], like: CartPolePixels) -> None:
        super().__init__(env)
        self._like, self._small = like, Shrunk(like.raster)
        self.observation_space = like.observation_space
        env.unwrapped.theta_threshold_radians = like.dynamics.angle_limit  # type: ignore[attr-defined]
        self._frames = np.zeros((like.count, *like.raster.shape), np.int8)
        self._screen = np.zeros(0, np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode, as if it had always stood there."""
        _, info = self.env.reset(seed=seed, options=options)
        self._frames[:] = self._frame()
        return self._like.seen(self._frames), info

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Act once."""
        _, reward, terminated, truncated, info = self.env.step(action)
        self._frames[1:] = self._frames[:-1].copy()
        self._frames[0] = self._frame()
        return self._like.seen(self._frames), float(reward), terminated, truncated, info

    def render(self) -> Any:
        """The whole screen, uint8 [400, 600, 3]."""
        return self._screen

    def _frame(self) -> np.ndarray:
        self._screen = np.asarray(self.env.render())
        return levels(self._small(self._screen))


class Shrunk:
    """The middle of a screen, uint8 [400, 600, 3], as ``Raster`` draws it: a bilinear resize, in grey or in colour."""

    def __init__(self, raster: Raster) -> None:
        self._rows = triangles(BOTTOM - TOP, raster.height).astype(np.float32)
        self._columns = triangles(SCREEN_WIDTH, raster.width).astype(np.float32).T
        self._colour = raster.colour

    def __call__(self, screen: np.ndarray) -> np.ndarray:
        """float32 [height, width], in colour [height, width, 3], whole numbers from 0 to 255."""
        middle = screen[TOP:BOTTOM].astype(np.float32)  # for whole numbers NumPy has no quick product
        rows = (self._rows @ middle.reshape(len(middle), -1)).reshape(len(self._rows), *middle.shape[1:])
        channels = np.moveaxis(rows, -1, 0) if self._colour else rows @ GREY.astype(np.float32)
        small = np.round(channels @ self._columns)
        return np.moveaxis(small, 0, -1) if self._colour else small


def cartpole_pixels(render_mode: str = RENDERED, **options: Any) -> RenderedFrames:
    """Gymnasium's CartPole as ``CartPolePixels`` with these options; raises UserError for another mode of rendering."""
    return _rendered(CartPolePixels(**options), render_mode)


def cartpole_stacked(render_mode: str = RENDERED, **options: Any) -> RenderedFrames:
    """Gymnasium's CartPole as ``CartPoleStacked``, see ``cartpole_pixels``."""
    return _rendered(CartPoleStacked(**options), render_mode)


def _rendered(like: CartPolePixels, mode: str) -> RenderedFrames:
    if mode != RENDERED:
        raise UserError(f"render_mode = {mode!r}: frames are rendered into arrays, so it is {RENDERED}")
    return RenderedFrames(offscreen(), like)
