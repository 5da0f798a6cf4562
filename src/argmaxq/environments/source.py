"""From a recipe's environment to what an engine steps: a compiled FuncEnv, or lanes on the host."""

from typing import Any

from gymnasium.experimental.functional import FuncEnv
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import TimeLimit

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional, time_limit
from argmaxq.environments.compiled import CompiledEnv
from argmaxq.environments.env import Env
from argmaxq.environments.func_lanes import FuncLanes
from argmaxq.environments.lanes import Lanes
from argmaxq.environments.make import make_environment, make_lanes
from argmaxq.environments.tabular import tabular


def compiled(env: Env) -> CompiledEnv | None:
    """The environment as a FuncEnv with its time limit, or None where it only exists on the host."""
    if callable(env.id):
        made = _called(env)
        return CompiledEnv(made, env.time_limit, env.choices) if isinstance(made, FuncEnv) else None
    if env.backend != "gymnasium":
        return None
    found = functional(env.id, env.kwargs) or tabular(env.id, env.kwargs)
    if found is None:
        return None
    limit = env.time_limit or env.kwargs.get("max_episode_steps") or time_limit(env.id)
    return CompiledEnv(found, limit, env.choices)


def host(env: Env) -> Lanes:
    """The environment in lanes on the host."""
    if callable(env.id):
        made = compiled(env)
        if made is not None:
            return FuncLanes(made, env.lanes)
    source = env.id if env.time_limit is None else lambda **kwargs: single(env)
    return make_lanes(source, env.kwargs, env.lanes, env.backend, env.choices)


def single(env: Env) -> Any:
    """One environment as ``make_environment`` makes it, with the recipe's time limit."""
    made = make_environment(env.id, env.kwargs)
    if env.time_limit is None or isinstance(made, VectorEnv):
        return made
    if isinstance(made, TimeLimit):
        made = made.env
    return TimeLimit(made, env.time_limit)


def _called(env: Env) -> Any:
    assert callable(env.id)
    made = env.id(**env.kwargs)
    if isinstance(made, type):
        raise UserError(f"{env.id} returned the class {made.__name__}: it must return an environment, not its class")
    return made
