"""Making an environment from what a user names: a registered id, or a callable that returns one."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import gymnasium as gym
from gymnasium.experimental.functional import FuncEnv

from argmaxq.components.errors import UserError
from argmaxq.components.modules import imported, referred
from argmaxq.environments.unregistered import advice
from argmaxq.lanes.atari.game import NAMESPACE
from argmaxq.lanes.envpool_lanes import EnvPoolLanes
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.misfits import kind, title
from argmaxq.lanes.vector_lanes import VectorLanes

Source: TypeAlias = str | Callable[..., Any]
"""A registered id (``"CartPole-v1"``, ``"module:Name-v0"``) or a callable returning an environment."""
Environment: TypeAlias = gym.Env[Any, Any] | gym.vector.VectorEnv[Any, Any, Any]


def make_environment(source: Source, kwargs: Mapping[str, Any] | None = None) -> Environment:
    """A fresh environment, without the wrappers that only check its use (``argmaxq check`` does that once instead).

    They stay where ``kwargs`` say ``disable_env_checker: False`` of a registered id.

    Raises:
        UserError: the id is unknown, its module or another package is missing, an argument is wrong, or a callable
            returned something else.
    """
    options = dict(kwargs or {})
    if not isinstance(source, str):
        return _checked(call(source, options), source)
    if source.startswith(NAMESPACE):
        _import_ale()
    named = referred(source)
    if named is not None:
        imported(named)
    elif ":" in source:
        raise UserError(f"environment {source!r}: a module and an id are written module:Id")
    try:
        made = gym.make(source, **({"disable_env_checker": True} | options))
        return without_checks(made) if options.get("disable_env_checker", True) else made
    except gym.error.UnregisteredEnv as error:
        raise UserError(f"environment {source!r} is not registered: {advice(source, one_line(error))}") from error
    except (gym.error.Error, ImportError) as error:
        raise UserError(f"environment {source!r} cannot be made: {one_line(error)}") from error
    except Exception as error:
        # Only an argument of the user's is his to mend; without any it is the environment's own fault.
        if not options:
            raise
        fault = one_line(error) if isinstance(error, TypeError) else f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"environment {source!r} does not take these arguments, {options}: {fault}") from error


def make_lanes(
    source: Source,
    kwargs: Mapping[str, Any] | None = None,
    lanes: int | None = None,
    backend: Literal["gymnasium", "envpool"] = "gymnasium",
    choices: Choices = (),
    mask: Mask = "none",
) -> Lanes:
    """Lanes of an environment: one by default, or as many as a vector environment has.

    Raises:
        UserError: the environment cannot be made, fits no agent, or has another number of lanes than asked for.
    """
    if backend == "envpool":
        if not isinstance(source, str):
            raise UserError("the envpool backend takes an environment's id, not a callable")
        return EnvPoolLanes(source, lanes or 1, kwargs, mask)
    if not isinstance(source, str):
        env = make_environment(source, kwargs)
        if isinstance(env, gym.vector.VectorEnv):
            if lanes not in (None, env.num_envs):
                raise UserError(f"the vector environment has {env.num_envs} lanes where {lanes} are asked for")
            return VectorLanes(env, choices, mask)
        env.close()
    return GymnasiumLanes(lane_maker(source, kwargs), lanes or 1, choices, mask=mask)


def lane_maker(source: Source, kwargs: Mapping[str, Any] | None = None) -> Callable[[], gym.Env[Any, Any]]:
    """A callable that makes single environments, for ``GymnasiumLanes``."""
    return partial(_single, source, kwargs)


def without_checks(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The same environment with Gymnasium's passive checker and order enforcement taken out of its wrappers.

    They cost a Python call each per step, and our loops keep the order by construction.
    """
    while isinstance(env, gym.wrappers.PassiveEnvChecker | gym.wrappers.OrderEnforcing):
        env = env.env
    if isinstance(env, gym.Wrapper):
        env.env = without_checks(env.env)
    return env


def without_limit(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The same environment with all of Gymnasium's time limits taken out of its wrappers."""
    while isinstance(env, gym.wrappers.TimeLimit):
        env = env.env
    if isinstance(env, gym.Wrapper):
        env.env = without_limit(env.env)
    return env


def one_line(error: BaseException) -> str:
    """An error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _single(source: Source, kwargs: Mapping[str, Any] | None) -> gym.Env[Any, Any]:
    env = make_environment(source, kwargs)
    if isinstance(env, gym.vector.VectorEnv):
        raise UserError(f"{source!r} makes a vector environment where a single one is needed")
    return env


def call(source: Any, kwargs: Mapping[str, Any]) -> Any:
    """What a callable makes of these arguments.

    Raises:
        UserError: it is an environment already, or takes other arguments.
    """
    require_maker(source)
    try:
        inspect.signature(source).bind(**kwargs)
    except ValueError:  # written in C, with a signature that is not known
        pass
    except TypeError as error:
        raise UserError(
            f"{_name(source)} cannot be made with the arguments {dict(kwargs)}: {one_line(error)}; give them as "
            "env_kwargs={...}, on the command line --env.kwargs '{...}'"
        ) from error
    return source(**kwargs)


def require_maker(source: Any) -> None:
    """Refuse an environment where something that makes one is needed.

    Raises:
        UserError: it is an environment, or neither an id nor a callable.
    """
    if isinstance(source, gym.Env | gym.vector.VectorEnv | FuncEnv):
        raise UserError(
            f"{title(source)} is an environment, and several are needed: give what makes one, its id or a callable "
            "such as lambda: gym.make(...)"
        )
    if not isinstance(source, str) and not callable(source):
        raise UserError(f"an environment is given by its id or by a callable that makes one, not by {kind(source)}")


def _import_ale() -> None:
    """Have ALE's games registered, which they are when its package is imported."""
    try:
        import ale_py
    except ImportError as error:
        raise UserError('Atari\'s games are missing: pip install "argmaxq[atari]"') from error
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # it greets every environment


def _name(source: Any) -> str:
    return getattr(source, "__name__", None) or " ".join(repr(source).split())


def _checked(env: Any, source: Any) -> Environment:
    # EnvPool's environments are of both kinds, and are vectors.
    if isinstance(env, gym.vector.VectorEnv):
        return env
    if isinstance(env, gym.Env):
        return without_checks(env)
    old = "; old gym's is wrapped by shimmy's GymV21CompatibilityV0" if hasattr(env, "step") else ""
    raise UserError(
        f"{_name(source)} returned {kind(env)}: it must return a gymnasium.Env or a gymnasium.vector.VectorEnv{old}"
    )
