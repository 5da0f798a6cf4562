"""Environments that draw what happens in them."""

import dataclasses
from typing import Any, cast

import gymnasium as gym

from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled, single

WINDOW, PICTURES = "human", "rgb_array"
"""Gymnasium's names of the ways to draw."""


def drawn(env: Env, mode: str) -> gym.Env[Any, Any]:
    """The environment with pictures of the kind ``mode``, ``human`` or ``rgb_array``.

    Raises:
        UserError: it has none, or is no single environment.
    """
    name = env.name
    if not isinstance(env.id, str) and compiled(env) is not None:
        raise UserError(f"{name} makes a FuncEnv, which draws nothing here: there is nothing to watch")
    made: Any = single(env)
    if getattr(made, "render_mode", None) == mode:
        return cast(gym.Env[Any, Any], made)
    made.close()
    if isinstance(made, gym.vector.VectorEnv):
        raise UserError(f"{name} makes a vector environment: only a single one can be watched")
    modes = set(made.metadata.get("render_modes") or ())
    if not modes & {mode, PICTURES}:
        raise UserError(f"{name} cannot be watched: render modes are {', '.join(sorted(modes)) or 'none'}, not {mode}")
    try:
        found: gym.Env[Any, Any] = single(dataclasses.replace(env, kwargs=env.kwargs | {"render_mode": mode}))
    except (TypeError, UserError) as error:
        if "render_mode" not in str(error):
            raise
        raise UserError(f"{name} does not take render_mode={mode!r}: let it, and pass it to the environment") from error
    return found


def drawable(env: Env) -> bool:
    """Whether there is something to watch."""
    try:
        drawn(env, PICTURES).close()
    except Exception:  # the environment is the user's, and this is no time to complain of it
        return False
    return True
