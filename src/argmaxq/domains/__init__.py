"""Environments of our own, written in JAX as functions of a state: one lane each, to be vmapped and compiled.

Where Gymnasium has the same environment, ``functional`` finds ours by Gymnasium's id, and one step of it from an equal
state gives what Gymnasium's gives, up to float32 rounding.
"""

import pkgutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argmaxq.component import UserError

if TYPE_CHECKING:
    from gymnasium.experimental.functional import FuncEnv

DOMAINS = {
    "CartPole-v0": "argmaxq.domains.cartpole:CartPole",
    "CartPole-v1": "argmaxq.domains.cartpole:CartPole",
    "MountainCar-v0": "argmaxq.domains.mountain_car:MountainCar",
    "Acrobot-v1": "argmaxq.domains.acrobot:Acrobot",
}
"""Gymnasium id -> where the class is; it is imported only when asked for."""


def functional(id: str) -> "FuncEnv[Any, Any, Any, Any, Any, Any, Any] | None":
    """The environment that Gymnasium calls ``id`` as a FuncEnv, or None where there is none."""
    return pkgutil.resolve_name(DOMAINS[id])() if id in DOMAINS else None


TABULAR = (
    *("FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v3", "Taxi-v4"),
    *("CliffWalking-v0", "CliffWalking-v1", "CliffWalkingSlippery-v1"),
)
"""Gymnasium's environments that are nothing but transition tables."""


def tabular(id: str, kwargs: Mapping[str, Any]) -> "FuncEnv[Any, Any, Any, Any, Any, Any, Any] | None":
    """The environment that Gymnasium calls ``id``, made with ``kwargs``, from its tables; None where it has none."""
    if id not in TABULAR or kwargs.get("fickle_passenger"):
        return None  # a fickle passenger changes his mind beside the tables
    from argmaxq.domains.tables import Tables
    from argmaxq.environments.make import make_environment
    from argmaxq.exact.model import outcomes_of

    env: Any = make_environment(id, kwargs)
    try:
        return Tables(outcomes_of(env))
    finally:
        env.close()


def time_limit(id: str) -> int | None:
    """Steps after which Gymnasium truncates an episode of ``id``, or None for no limit.

    Raises:
        UserError: if Gymnasium knows no environment of that id.
    """
    import gymnasium

    try:
        return gymnasium.spec(id).max_episode_steps
    except gymnasium.error.Error as error:
        raise UserError(str(error)) from error
