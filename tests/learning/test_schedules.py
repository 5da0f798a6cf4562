"""Schedules against their formulas in double precision."""

import math
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.components.component import traced
from argmaxq.components.errors import UserError
from argmaxq.components.paths import get, replace
from argmaxq.components.registry import registry
from argmaxq.components.serialisation import from_json, to_json
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import Constant, Exponential, Linear, Multiplicative, Per
from argmaxq.learning.td.step_sizes import Scheduled
from argmaxq.types import Clock
from oracles.parts import clock

at = jax.jit(lambda schedule, clock: schedule(clock))
TIME = st.integers(0, 10_000_000)
UNIT = st.floats(0, 1)


def value(schedule: Any, t: int) -> float:
    """The schedule at time t of what it counts, all else being at 12345."""
    everything = dict.fromkeys(Clock._fields, 12_345) | {getattr(schedule, "per", "step"): t}
    return float(at(traced(schedule), clock(**everything)))


def evidence(schedule: Any, t: int) -> str:
    """What is known of a wrong value: other machines have twice had exp(-1) = 0 here, in one process of many."""
    now = clock(**dict.fromkeys(Clock._fields, 12_345) | {schedule.per: t})
    numbers = traced(schedule)
    jax.config.update("jax_enable_compilation_cache", False)
    jax.clear_caches()
    program = at.lower(numbers, now).compile().as_text().partition("StackFrames")[2]
    found = {
        "compiled anew, without a cache": at(numbers, now),
        "step by step": schedule(now),
        "exp": [float(jax.jit(jnp.exp)(np.float32(x))) for x in (-1.0, -0.5, 0.0, 1.0)],
        "-t / scale": float(-np.float32(t) / np.float32(schedule.scale)),
        "numbers": [(str(leaf.dtype), float(leaf)) for leaf in jax.tree.leaves(numbers)],
        "clock": now,
        "flags": os.environ.get("XLA_FLAGS"),
        "x64": jax.config.read("jax_enable_x64"),
        "devices": jax.devices(),
        "program": [line.split(", metadata")[0].strip() for line in program.splitlines() if " = " in line],
        "processor": [
            line for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines() if "name" in line
        ],
    }
    jax.config.update("jax_enable_compilation_cache", True)
    return "\n".join(f"{name}: {value}" for name, value in found.items())


@given(TIME, st.floats(-5, 5))
def test_constant(t: int, level: float) -> None:
    assert value(Constant(level), t) == np.float32(level)


@given(TIME, UNIT, UNIT, st.integers(1, 1_000_000), st.sampled_from(["step", "episode", "update"]))
def test_linear(t: int, start: float, end: float, duration: int, per: Per) -> None:
    expected = end if t >= duration else start + (end - start) * t / duration
    assert value(Linear(start, end, duration, per), t) == pytest.approx(expected, abs=1e-6)


@given(TIME, UNIT, UNIT, st.floats(0.5, 1e6), st.sampled_from(["step", "episode", "update"]))
def test_exponential(t: int, start: float, end: float, scale: float, per: Per) -> None:
    expected = end + (start - end) * math.exp(-t / scale)
    schedule = Exponential(start, end, scale, per)
    assert value(schedule, t) == pytest.approx(expected, abs=1e-5), evidence(schedule, t)


@given(st.integers(0, 5_000), UNIT, UNIT, st.floats(0.9, 1), st.sampled_from(["step", "episode", "update"]))
def test_multiplicative(t: int, start: float, end: float, factor: float, per: Per) -> None:
    # In single precision the factor's own rounding grows with the power.
    expected = max(end, start * float(np.float32(factor)) ** t)
    assert value(Multiplicative(start, end, factor, per), t) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_golden_values() -> None:
    assert [value(Linear(1.0, 0.0, 4), t) for t in (0, 1, 2, 4, 9)] == [1, 0.75, 0.5, 0, 0]
    assert [value(Multiplicative(1.0, 0.2, 0.5), t) for t in (0, 1, 2, 3)] == [1, 0.5, 0.25, np.float32(0.2)]
    falling = Exponential(1.0, 0.0, 10.0)
    assert value(falling, 10) == pytest.approx(0.367879, abs=1e-6), evidence(falling, 10)


def test_a_decline_over_no_time_is_over_at_once() -> None:
    assert value(Linear(1.0, 0.1, 0), 1) == pytest.approx(0.1)
    assert math.isfinite(value(Linear(1.0, 0.1, 0), 0))


@pytest.mark.parametrize("name", sorted(registry["schedule"]))
def test_all_start_at_their_first_value(name: str) -> None:
    schedule = registry["schedule"][name]()
    assert value(schedule, 0) == np.float32(getattr(schedule, "start", getattr(schedule, "value", None)))


@pytest.mark.parametrize("number", [0.25, "0.25", np.float32(0.25)])
def test_a_number_is_a_constant_schedule(number: Any) -> None:
    for name, path, constant in [
        ("cartpole/dqn", "agent.exploration.epsilon", Constant(0.25)),
        ("cartpole/dqn", "agent.optimiser.annealing", Constant(0.25)),
        ("frozenlake/q", "agent.step_size", Scheduled(Constant(0.25))),
        ("cliff/q", "agent.step_size", Scheduled(Constant(0.25))),  # which counts visits
    ]:
        assert get(replace(aq.find(name), path, number), path) == constant


def test_a_number_is_a_constant_schedule_in_constructors_and_files() -> None:
    assert EpsilonGreedy(0.25).epsilon == Constant(0.25)
    assert Adam(annealing=1).annealing == Constant(1.0)
    assert aq.agents.TD(step_size=0.25).step_size == Scheduled(Constant(0.25))
    written = to_json(EpsilonGreedy())
    assert from_json(written | {"epsilon": 0.25}) == EpsilonGreedy(0.25)


@pytest.mark.parametrize("value", [1.5, "1.5", "nan", True])
def test_a_number_out_of_range_is_no_probability(value: Any) -> None:
    with pytest.raises(UserError, match=r"agent\.exploration\.epsilon"):
        replace(aq.find("cartpole/dqn"), "agent.exploration.epsilon", value)
