"""Gymnasium's environments that are nothing but transition tables, as FuncEnvs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argmaxq.environments.make import make_environment

if TYPE_CHECKING:
    from gymnasium.experimental.functional import FuncEnv

TABULAR = (
    *("FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v3", "Taxi-v4"),
    *("CliffWalking-v0", "CliffWalking-v1", "CliffWalkingSlippery-v1"),
)
"""Gymnasium's environments that are nothing but transition tables."""


def tabular(id: str, kwargs: Mapping[str, Any]) -> "FuncEnv[Any, Any, Any, Any, Any, Any, Any] | None":
    """The environment that Gymnasium calls ``id``, made with ``kwargs``, from its tables; None where it has none."""
    if id not in TABULAR or kwargs.get("fickle_passenger"):
        return None  # a fickle passenger changes his mind beside the tables
    from argmaxq.domains.tables import MaskedTables, Tables
    from argmaxq.exact.model import allowed_of, outcomes_of

    env: Any = make_environment(id, kwargs)
    try:
        outcomes, allowed = outcomes_of(env), allowed_of(env)
        return Tables(outcomes) if allowed is None else MaskedTables(outcomes, allowed)
    finally:
        env.close()
