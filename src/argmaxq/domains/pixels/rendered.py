"""The same observations made of frames that Gymnasium renders, for policies that were trained on ours."""

from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image

from argmaxq.components.errors import UserError
from argmaxq.domains.pixels.cart_pole import CartPolePixels, CartPoleStacked
from argmaxq.domains.pixels.frames import levels
from argmaxq.domains.pixels.raster import BOTTOM, TOP, Raster
from argmaxq.domains.pixels.screen import RENDERED, offscreen


class RenderedFrames(gym.Wrapper[np.ndarray, Any, np.ndarray, Any]):
    """CartPole from Gymnasium's own frames: ``CartPolePixels`` or ``CartPoleStacked``, rendered and made small.

    Args:
        env: Gymnasium's CartPole, which renders arrays.
        like: The environment of ours whose observations these are.
    """

    def __init__(self, env: gym.Env[np.ndarray, Any], like: CartPolePixels) -> None:
        super().__init__(env)
        self._like = like
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
        return levels(shrunk(self._screen, self._like.raster))


def shrunk(screen: np.ndarray, raster: Raster) -> np.ndarray:
    """The middle of a screen, uint8 [400, 600, 3], made as small as ``raster`` draws it: uint8 of its shape."""
    middle = Image.fromarray(screen[TOP:BOTTOM])
    shown = middle if raster.colour else middle.convert("L")
    return np.asarray(shown.resize((raster.width, raster.height), Image.Resampling.BILINEAR))


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
