"""Sums that float32 can carry: against exact ones, and in both engines over long episodes."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.agents.td import TD
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.sums import Sum, plus
from argmaxq.networks.features import Bins
from argmaxq.networks.linear import Table
from argmaxq.training.engines.engine import account, no_episodes
from argmaxq.types import Row
from oracles.parts import leaves_equal
from samples.probes import Endless
from support.tiers import slow
from support.trainer import ENGINES, train

NOTHING = Sum(jnp.float32(0), jnp.float32(0))
FINITE = st.floats(-(2.0**60), 2.0**60, width=32, allow_subnormal=False)


@jax.jit
def folded(values: Any) -> Sum:
    return jax.lax.scan(lambda sum_, value: (plus(sum_, value), None), NOTHING, values)[0]


@jax.jit
def repeated(value: Any, count: Any) -> Sum:
    return jax.lax.fori_loop(0, count, lambda _, sum_: plus(sum_, value), NOTHING)


def relative_error(found: Sum, exact: float, scale: float) -> float:
    return abs(float(found.total) + float(found.rest) - exact) / scale if scale else abs(float(found.total))


@given(st.lists(FINITE, min_size=40, max_size=40))
def test_a_sum_is_the_exact_one(numbers: list[float]) -> None:
    values = np.float32(numbers)
    found = folded(values)
    assert relative_error(found, math.fsum(values), math.fsum(np.abs(values))) < 1e-12
    assert found.total == np.float32(float(found.total) + float(found.rest)), "not rounded to the nearest"


@given(st.lists(st.integers(-(2**20), 2**20), min_size=40, max_size=40))
def test_whole_numbers_are_summed_without_error(numbers: list[int]) -> None:
    found = folded(np.float32(numbers))
    assert int(found.total) + int(found.rest) == sum(numbers)


@given(st.lists(FINITE, min_size=40, max_size=40))
def test_compiled_and_plain_additions_have_the_same_bits(numbers: list[float]) -> None:
    sum_ = Sum(np.float32(0), np.float32(0))
    for value in np.float32(numbers):
        sum_ = plus(sum_, value)
    assert leaves_equal(jax.tree.map(np.asarray, folded(np.float32(numbers))), jax.tree.map(np.asarray, sum_))


@pytest.mark.parametrize("value", [0.1, -1 / 3, 1e-3, 7.3])
@pytest.mark.parametrize("count", [10**7, slow(10**9)])
def test_many_alike(value: float, count: int) -> None:
    exact = count * float(np.float32(value))
    assert relative_error(repeated(np.float32(value), count), exact, abs(exact)) < 1e-6


def test_what_is_not_finite_stays_so() -> None:
    for poison in (np.inf, -np.inf, np.nan):
        assert not np.isfinite(folded(np.float32([1.0, poison, 1.0])).total)


class Dime(Endless):
    """Reward 0.1 for ever."""

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        return jnp.float32(0.1)


DIME = float(np.float32(0.1))
TABLE = TD(Table(Bins((1,), low=(-2.0,), high=(2.0,))))


def test_both_engines_carry_on_a_long_episodes_return_alike() -> None:
    """Far into an episode, where float32 alone would take each 0.1 for 0.125."""
    states = []
    for make in ENGINES.values():
        engine = make(TABLE, CompiledEnv(Dime()), lanes=2)
        state = engine.start()
        begun = state.episodes._replace(returns=jnp.float32([1e6, 0.0]))
        state, _ = engine.run(state._replace(episodes=begun), 0, 1_000, 10_000)
        states.append(state)
    total, rest = (np.asarray(leaf, float) for leaf in (states[0].episodes.returns, states[0].episodes.rests))
    np.testing.assert_allclose(total + rest, [1e6 + 1_000 * DIME, 1_000 * DIME], rtol=1e-10)
    assert leaves_equal(states[0].episodes, states[1].episodes)


def test_the_account_of_ten_million_rows() -> None:
    """One episode, then another: returns to one part in a million, and nothing carried over."""
    length, blocks = 100_000, 100
    flags = np.zeros((length, 1), bool)
    ending = flags.copy()
    ending[-1] = True
    rows = Row(None, None, np.full((length, 1), 0.1, np.float32), flags, flags, flags)
    episodes, of = no_episodes(1), jax.jit(account)
    for block in range(blocks):
        episodes, ends = of(episodes, rows._replace(truncated=ending if block == blocks - 1 else flags), length)
    np.testing.assert_allclose(ends.returns[-1], length * blocks * DIME, rtol=1e-6)
    assert ends.lengths[-1] == length * blocks
    assert leaves_equal(episodes, no_episodes(1)._replace(finished=jnp.int32(1)))


def test_the_compiled_engine_over_ten_million_steps() -> None:
    steps = 10**7
    state, _ = train(ENGINES["compiled"](TABLE, CompiledEnv(Dime())), steps)
    np.testing.assert_allclose(state.episodes.returns, steps * DIME, rtol=1e-6)


@pytest.mark.slow
def test_the_host_engine_over_ten_million_steps() -> None:
    lanes, rows = 100, 10**5
    state, _ = train(ENGINES["host"](TABLE, CompiledEnv(Dime()), lanes), rows)
    np.testing.assert_allclose(state.episodes.returns, np.full(lanes, rows * DIME), rtol=1e-6)
