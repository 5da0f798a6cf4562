"""Programs that trainings of one process share: only where all that they depend on is the same, and ours."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from gymnasium.spaces import Box

import argmaxq as aq
from argmaxq.components.component import component
from argmaxq.domains.cartpole import CartPole
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.observations import box_spec
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.programs import Programs, Unknown, identity
from argmaxq.roles import Exploration
from argmaxq.spaces import DiscreteActions, Spaces
from support.runs import assert_same

RECIPE = aq.replace(aq.find("cartpole/dqn"), {"evaluation.every": 300, "agent.learning_starts": 200})


@component(Exploration)
class OfTheTestOfPrograms(EpsilonGreedy):
    """A user's own."""


def train(recipe: aq.Recipe, out: Path, **options: Any) -> tuple[aq.Run, int]:
    """A short training, and how many programs it compiled or loaded."""
    count = 0

    def heard(event: str, duration: float, **_: Any) -> None:
        nonlocal count
        count += event == "/jax/core/compile/backend_compile_duration"

    jax.monitoring.register_event_duration_secs_listener(heard)
    try:
        return aq.train(recipe, steps=600, out=out, **options), count
    finally:
        jax.monitoring.unregister_event_duration_listener(heard)


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_a_second_training_compiles_nothing(engine: str, tmp_path: Path) -> None:
    first, _ = train(RECIPE, tmp_path / "first", engine=engine, seed=1)
    values = {"agent.gamma": 0.9, "agent.optimiser.learning_rate": 1e-4}
    changed, compiled = train(aq.replace(RECIPE, values), tmp_path / "changed", engine=engine, seed=2)
    again, compiled_again = train(RECIPE, tmp_path / "again", engine=engine, seed=1)
    assert compiled <= 1, "what a learner begins with may depend on any number"
    assert compiled_again == 0
    assert_same(again, first)
    with pytest.raises(AssertionError):
        assert_same(changed, first)


def test_what_is_a_users_own_compiles_anew(tmp_path: Path) -> None:
    recipe = aq.replace(RECIPE, {"agent.exploration": OfTheTestOfPrograms(), "evaluation.every": 0})
    for name in ("first", "again"):
        _, compiled = train(recipe, tmp_path / name, engine="host")
        assert compiled > 0, name


def scaled(factor: Any, value: Any) -> Any:
    return factor * value


def test_equal_programs_only() -> None:
    """Equal values of other types, and bounds that comparisons of spaces leave out, are other programs."""
    one, whole = Programs()(scaled, 1.0), Programs()(scaled, 1)
    assert one is Programs()(scaled, 1.0)
    assert one is not whole
    assert one(np.int32(3)).dtype != whole(np.int32(3)).dtype

    def seen(high: float) -> Spaces:
        return Spaces(box_spec(Box(-1, high, (2,), np.float32), np.dtype(np.float32)), DiscreteActions(2))

    assert seen(1.0) == seen(2.0)
    assert identity(seen(1.0)) == identity(seen(1.0)) != identity(seen(2.0))
    limits = [CompiledEnv(CartPole({"angle_limit": limit}), 500) for limit in (0.2, 0.2, 0.3)]
    assert identity(limits[0]) == identity(limits[1]) != identity(limits[2])
    agent = aq.find("cartpole/dqn").agent
    assert identity(agent) == identity(dataclasses.replace(agent)) != identity(aq.replace(agent, "gamma", 0.5))


@pytest.mark.parametrize("value", [object(), lambda: 0, CompiledEnv(type("Own", (CartPole,), {})())])
def test_what_is_not_ours_has_no_identity(value: Any) -> None:
    with pytest.raises(Unknown):
        identity(value)
