"""Schedules against their formulas in double precision."""

import math
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.components.component import traced
from argmaxq.components.registry import registry
from argmaxq.learning.schedules import Constant, Exponential, Linear, Multiplicative, Per
from argmaxq.types import Clock
from oracles import clock

at = jax.jit(lambda schedule, clock: schedule(clock))
TIME = st.integers(0, 10_000_000)
UNIT = st.floats(0, 1)


def value(schedule: Any, t: int) -> float:
    """The schedule at time t of what it counts, all else being at 12345."""
    everything = dict.fromkeys(Clock._fields, 12_345) | {getattr(schedule, "per", "step"): t}
    return float(at(traced(schedule), clock(**everything)))


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
    assert value(Exponential(start, end, scale, per), t) == pytest.approx(expected, abs=1e-5)


@given(st.integers(0, 5_000), UNIT, UNIT, st.floats(0.9, 1), st.sampled_from(["step", "episode", "update"]))
def test_multiplicative(t: int, start: float, end: float, factor: float, per: Per) -> None:
    # In single precision the factor's own rounding grows with the power.
    expected = max(end, start * float(np.float32(factor)) ** t)
    assert value(Multiplicative(start, end, factor, per), t) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_golden_values() -> None:
    assert [value(Linear(1.0, 0.0, 4), t) for t in (0, 1, 2, 4, 9)] == [1, 0.75, 0.5, 0, 0]
    assert [value(Multiplicative(1.0, 0.2, 0.5), t) for t in (0, 1, 2, 3)] == [1, 0.5, 0.25, np.float32(0.2)]
    assert value(Exponential(1.0, 0.0, 10.0), 10) == pytest.approx(0.367879, abs=1e-6)


def test_a_decline_over_no_time_is_over_at_once() -> None:
    assert value(Linear(1.0, 0.1, 0), 1) == pytest.approx(0.1)
    assert math.isfinite(value(Linear(1.0, 0.1, 0), 0))


@pytest.mark.parametrize("name", sorted(registry["schedule"]))
def test_all_start_at_their_first_value(name: str) -> None:
    schedule = registry["schedule"][name]()
    assert value(schedule, 0) == np.float32(getattr(schedule, "start", getattr(schedule, "value", None)))
