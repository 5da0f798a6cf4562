"""Gymnasium's own screen of CartPole, without a display."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

if TYPE_CHECKING:
    import pygame

RENDERED, DRIVER = "rgb_array", "SDL_VIDEODRIVER"


def screen(position: float, velocity: float, angle: float, angular_velocity: float) -> "pygame.Surface":
    """What Gymnasium draws of a cart and a pole."""
    import pygame

    env = _cart_pole()
    env.state = (position, velocity, angle, angular_velocity)
    return pygame.surfarray.make_surface(np.asarray(env.render()).swapaxes(0, 1))


@cache
def _cart_pole() -> Any:
    return offscreen()


def offscreen() -> CartPoleEnv:
    """Gymnasium's CartPole, whose renderer would look for a display that it has no need of."""
    import pygame

    if not pygame.display.get_init():
        set_before = os.environ.get(DRIVER)
        os.environ[DRIVER] = set_before or "dummy"
        pygame.display.init()
        if set_before is None:
            del os.environ[DRIVER]
    return CartPoleEnv(render_mode=RENDERED)
