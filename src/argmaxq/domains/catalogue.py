"""Where the environments of our own are, by Gymnasium's ids."""

import pkgutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium

from argmaxq.components.errors import UserError

if TYPE_CHECKING:
    from gymnasium.experimental.functional import FuncEnv

DOMAINS = {
    "CartPole-v0": "argmaxq.domains.cartpole:CartPole",
    "CartPole-v1": "argmaxq.domains.cartpole:CartPole",
    "MountainCar-v0": "argmaxq.domains.mountain_car:MountainCar",
    "Acrobot-v1": "argmaxq.domains.acrobot:Acrobot",
    "argmaxq/Platform-v0": "argmaxq.domains.platform:Platform",
    "argmaxq/Goal-v0": "argmaxq.domains.goal:Goal",
    "argmaxq/HardGoal-v0": "argmaxq.domains.goal:HardGoal",
    "argmaxq/CatchPoint-v0": "argmaxq.domains.catch_point:CatchPoint",
    "argmaxq/HardMove-v0": "argmaxq.domains.hard_move:HardMove",
    "argmaxq/MemoryChain-v0": "argmaxq.domains.memory_chain:MemoryChain",
    "argmaxq/TMaze-v0": "argmaxq.domains.t_maze:TMaze",
    "argmaxq/CartPoleHidden-v0": "argmaxq.domains.hidden:CartPoleHidden",
    "argmaxq/MountainCarHidden-v0": "argmaxq.domains.hidden:MountainCarHidden",
    "argmaxq/CartPolePixels-v0": "argmaxq.domains.pixels.cart_pole:CartPolePixels",
    "argmaxq/CartPoleStacked-v0": "argmaxq.domains.pixels.cart_pole:CartPoleStacked",
    "argmaxq/MinAtar-Asterix-v0": "argmaxq.domains.pixels.minatar:asterix",
    "argmaxq/MinAtar-Breakout-v0": "argmaxq.domains.pixels.minatar:breakout",
    "argmaxq/MinAtar-Freeway-v0": "argmaxq.domains.pixels.minatar:freeway",
    "argmaxq/MinAtar-Seaquest-v0": "argmaxq.domains.pixels.minatar:seaquest",
    "argmaxq/MinAtar-SpaceInvaders-v0": "argmaxq.domains.pixels.minatar:space_invaders",
}
"""Gymnasium id -> where the class is; it is imported only when asked for."""
TIME_LIMITS = {
    "argmaxq/Platform-v0": 200,
    "argmaxq/Goal-v0": None,
    "argmaxq/HardGoal-v0": None,
    "argmaxq/CatchPoint-v0": 25,
    "argmaxq/HardMove-v0": 30,
    "argmaxq/MemoryChain-v0": None,
    "argmaxq/TMaze-v0": 200,
    "argmaxq/CartPoleHidden-v0": 500,
    "argmaxq/MountainCarHidden-v0": 200,
    "argmaxq/CartPolePixels-v0": 500,
    "argmaxq/CartPoleStacked-v0": 500,
    "argmaxq/MinAtar-Asterix-v0": None,
    "argmaxq/MinAtar-Breakout-v0": None,
    "argmaxq/MinAtar-Freeway-v0": None,
    "argmaxq/MinAtar-Seaquest-v0": None,
    "argmaxq/MinAtar-SpaceInvaders-v0": None,
}
"""Steps of the environments that only we have; none where the environment itself counts them."""
RENDERED = {
    "argmaxq/CartPolePixelsRendered-v0": ("argmaxq.domains.pixels.rendered:cartpole_pixels", 500),
    "argmaxq/CartPoleStackedRendered-v0": ("argmaxq.domains.pixels.rendered:cartpole_stacked", 500),
}
"""Those whose observations are Gymnasium's own frames, on the host alone: what makes one, and steps."""
MAKING = {"render_mode", "max_episode_steps", "disable_env_checker"}
"""Arguments of ``gymnasium.make`` that leave the dynamics as they are."""


def functional(id: str, kwargs: Mapping[str, Any] | None = None) -> "FuncEnv[Any, Any, Any, Any, Any, Any, Any] | None":
    """The environment that Gymnasium calls ``id`` as a FuncEnv, or None where there is none that takes ``kwargs``.

    Raises:
        UserError: an environment of our own does not take these arguments.
    """
    if id not in DOMAINS:
        return None
    options = {name: value for name, value in (kwargs or {}).items() if name not in MAKING}
    if options and id not in TIME_LIMITS:
        return None
    try:
        return pkgutil.resolve_name(DOMAINS[id])(**options)
    except TypeError as error:
        if not options:
            raise
        raise UserError(f"environment {id!r} does not take these arguments: {error}") from error


def kind(id: str) -> type:
    """The class of one of ``DOMAINS``, also where what it needs is not installed."""
    made = pkgutil.resolve_name(DOMAINS[id])
    found: type = getattr(made, "func", made)
    return found


def time_limit(id: str) -> int | None:
    """Steps after which Gymnasium truncates an episode of ``id``, or None for no limit.

    Raises:
        UserError: if Gymnasium knows no environment of that id.
    """
    try:
        return gymnasium.spec(id).max_episode_steps
    except gymnasium.error.Error as error:
        raise UserError(str(error)) from error
