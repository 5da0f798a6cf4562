"""From a recipe's environment to what an engine steps: a compiled FuncEnv, or lanes on the host."""

from functools import partial
from typing import Any

from gymnasium.experimental.functional import FuncEnv
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import TimeLimit

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional, time_limit
from argmaxq.environments.atari import game, pooled, preprocessing
from argmaxq.environments.env import Env
from argmaxq.environments.make import call, make_environment, make_lanes, require_maker, without_limit
from argmaxq.environments.tabular import tabular
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.copies import Copies
from argmaxq.lanes.envpool_lanes import THREADING
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.workers import Workers, forks
from argmaxq.setup import usable_cores

HALVES = 2
"""Parts of ALE's lanes: an agent acts in one of them while the other steps."""


def compiled(env: Env) -> CompiledEnv | None:
    """The environment as a FuncEnv with its time limit, or None where it only exists on the host.

    Raises:
        UserError: it cannot be made.
    """
    require_maker(env.id)
    if callable(env.id):
        made = _called(env)
        if not isinstance(made, FuncEnv):
            return None
        if env.backend == "processes":
            raise UserError(f"{env.name} makes a FuncEnv, which needs no processes: leave out env.backend")
        return CompiledEnv(made, env.time_limit, env.choices, env.mask)
    if env.backend != "gymnasium":
        return None
    found = functional(env.id, env.kwargs) or tabular(env.id, env.kwargs)
    if found is None:
        return None
    limit = env.time_limit or env.kwargs.get("max_episode_steps") or time_limit(env.id)
    return CompiledEnv(found, limit, env.choices, env.mask)


def workers(env: Env) -> Workers | None:
    """The processes that the environment's copies live in, where it is to have some and the system can."""
    if env.backend not in ("processes", "ale") or (env.backend == "ale" and not forks()):
        return None
    processes = env.lanes if env.backend == "processes" else min(env.lanes, usable_cores())
    return Workers(partial(lone, env), processes, env.choices, env.mask)


def host(env: Env, copies: Copies | None = None) -> Lanes:
    """The environment in lanes on the host, which are the first of these ``copies`` where there are some.

    Raises:
        UserError: it cannot be made or fits no agent, or is a vector environment that is to have a time limit.
    """
    if copies := copies or workers(env):
        parts = HALVES if env.backend == "ale" else 1
        return GymnasiumLanes(partial(lone, env), env.lanes, env.choices, copies, env.mask, parts)
    if callable(env.id):
        made = compiled(env)
        if made is not None:
            return FuncLanes(made, env.lanes)
    seen = preprocessing(env)
    if env.backend == "envpool" and seen is not None:
        return pooled(env, seen)
    if env.backend == "envpool":
        limit = {} if env.time_limit is None else {"max_episode_steps": env.time_limit}
        return make_lanes(env.id, env.kwargs | limit, env.lanes, env.backend, mask=env.mask)
    source = env.id if env.time_limit is None and seen is None else lambda **kwargs: single(env)
    return make_lanes(source, env.kwargs, env.lanes, choices=env.choices, mask=env.mask)


def lone(env: Env) -> Any:
    """``single`` for an environment of which there can be copies.

    Raises:
        UserError: it is a vector environment or a FuncEnv.
    """
    made = single(env)
    if isinstance(made, VectorEnv):
        made.close()
        raise UserError(f"{env.name} makes a vector environment, which steps its lanes itself: leave out env.backend")
    return made


def single(env: Env) -> Any:
    """One environment as ``make_environment`` makes it, with the recipe's time limit in place of its own.

    Raises:
        UserError: it cannot be made, or is a vector environment that is to have a time limit.
    """
    if (seen := preprocessing(env)) is not None:
        return game(env, seen)
    threads = THREADING if env.backend == "envpool" else ()
    made = make_environment(env.id, {name: value for name, value in env.kwargs.items() if name not in threads})
    if env.time_limit is None:
        return made
    if isinstance(made, VectorEnv):
        made.close()
        raise UserError(
            f"env.time_limit = {env.time_limit}: a vector environment ends its episodes itself, so give it the limit "
            f"where it is made, as in gymnasium.make_vec(..., max_episode_steps={env.time_limit})"
        )
    return TimeLimit(without_limit(made), env.time_limit)


def _called(env: Env) -> Any:
    made = call(env.id, env.kwargs)
    if isinstance(made, type):
        raise UserError(f"{env.id} returned the class {made.__name__}: it must return an environment, not its class")
    return made
