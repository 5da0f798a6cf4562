"""Atari's games by their ids, such as ``ALE/Breakout-v5``: how an agent sees them, and how they are made."""

from collections.abc import Callable
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.make import lane_maker
from argmaxq.lanes.atari.game import LIMIT, NAMESPACE, RAW, Game
from argmaxq.lanes.atari.pool import POOL, PooledGames
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.lanes.lanes import Lanes

CEILINGS = {"Breakout": 864, "Pong": 21, "Boxing": 100, "Bowling": 300}
"""The highest score that there is, in games where it is known."""


def is_game(id: str | Callable[..., Any]) -> bool:
    """Whether an environment is one of ALE's games."""
    return isinstance(id, str) and id.startswith(NAMESPACE)


def preprocessing(env: Env) -> Atari | None:
    """How an agent sees the environment's screens; None where it sees its own observations.

    Raises:
        UserError: ``ale`` is to step what is none of ALE's games.
    """
    if is_game(env.id):
        return env.atari or (Atari() if env.backend in ("ale", "envpool") else None)
    if env.backend == "ale" or env.atari is not None:
        asked = "env.backend = ale" if env.backend == "ale" else "env.atari"
        raise UserError(f"{asked} is for ALE's games, such as ALE/Breakout-v5, and not for {env.name}: leave it out")
    return None


def game(env: Env, options: Atari) -> Game:
    """A single game; raises UserError where it cannot be made."""
    own = {name: value for name, value in env.kwargs.items() if name not in POOL}
    return Game(lane_maker(env.id, own | RAW)(), options, env.time_limit or LIMIT)


def pooled(env: Env, options: Atari) -> Lanes:
    """The game in lanes of EnvPool's; raises UserError where EnvPool is missing or does not take the arguments."""
    name = str(env.id).removeprefix(NAMESPACE)
    return PooledGames(name, env.lanes, env.kwargs | {"max_episode_steps": env.time_limit or LIMIT}, options)


def ceiling(env: Env) -> float | None:
    """The highest return that there is, where it is known."""
    if not is_game(env.id):
        return None
    return CEILINGS.get(str(env.id).removeprefix(NAMESPACE).rpartition("-v")[0])
