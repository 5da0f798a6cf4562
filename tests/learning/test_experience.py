"""n-step folds and lambda-returns against closed forms, a plain model and rlax."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.learning import experience
from argmaxq.learning.experience import Outcome, lambda_returns, n_step, outcome
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row
from oracles.parts import clock, fold, leaves_equal, rlax

jit_n_step, jit_lambda_returns = jax.jit(n_step), jax.jit(lambda_returns)
LENGTH = 6
FLAGS = st.lists(st.sampled_from(["", "", "", "terminated", "truncated"]), min_size=LENGTH, max_size=LENGTH)
NUMBERS = st.lists(st.floats(-10, 10, width=32), min_size=LENGTH, max_size=LENGTH)
FRACTION = st.floats(0, 1, width=32)


def rows(rewards: Any, flags: Any) -> Row:
    marks = np.array(flags)
    zeros = np.zeros(len(marks), np.int32)
    return Row(zeros, zeros, np.float32(rewards), marks == "terminated", marks == "truncated", zeros == 1)


def window(rewards: Any, flags: Any, gamma: float) -> Outcome:
    return outcome(rows(rewards, flags), np.float32(gamma))


@pytest.mark.parametrize(
    ("flag", "discount", "boundary"), [("", 0.9, False), ("terminated", 0, True), ("truncated", 0.9, True)]
)
def test_a_time_limit_is_a_boundary_but_no_terminal_state(flag: str, discount: float, boundary: bool) -> None:
    found = window([3.0], [flag], 0.9)
    assert (found.reward, found.discount, found.boundary) == (3.0, np.float32(discount), boundary)


def test_terminated_and_truncated_at_once_is_terminated() -> None:
    row = rows([1.0], ["terminated"])._replace(truncated=np.array([True]))
    assert outcome(row, np.float32(0.9)).discount == 0.0


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_n_step_of_constant_rewards_is_a_geometric_series(n: int) -> None:
    reward, discount, steps = n_step(window(np.full(n, 2.0), [""] * n, 0.9))
    np.testing.assert_allclose(reward, 2 * (1 - 0.9**n) / (1 - 0.9), rtol=1e-6)
    np.testing.assert_allclose(discount, 0.9**n, rtol=1e-6)
    assert steps == n


def test_one_step_folds_to_itself() -> None:
    one = window([-1.7], [""], 0.3)
    assert n_step(one) == (one.reward[0], one.discount[0], 1)


@pytest.mark.parametrize(("flag", "discount"), [("terminated", 0.0), ("truncated", 0.25)])
def test_n_step_stops_at_the_first_boundary(flag: str, discount: float) -> None:
    reward, found, steps = n_step(window([1, 2, 1000, 1000], ["", flag, "", "terminated"], 0.5))
    assert (reward, found, steps) == (1 + 0.5 * 2, discount, 2)


@given(NUMBERS, FLAGS, FRACTION, st.integers(1, LENGTH))
def test_n_step_is_the_plain_model(rewards: list[float], flags: list[str], gamma: float, n: int) -> None:
    whole = window(rewards, flags, gamma)
    reward, discount, steps = jit_n_step(jax.tree.map(lambda leaf: leaf[:n], whole))
    row = rows(rewards, flags)
    expected = fold(row.reward[:n], row.terminated[:n], row.truncated[:n], gamma)
    np.testing.assert_allclose(reward, expected.reward, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(discount, expected.discount, rtol=1e-5, atol=1e-30)
    assert steps == expected.steps


@pytest.mark.parametrize("ended", [None, 3, 70, 199])
def test_a_long_window_is_folded_in_a_loop_with_the_same_bits(ended: int | None, monkeypatch: Any) -> None:
    rng, n = np.random.default_rng(0), 200
    flags = ["terminated" if i == ended else "" for i in range(n)]
    windows = jax.tree.map(lambda *leaves: np.stack(leaves), *[window(rng.normal(size=n), flags, 0.99)] * 3)
    assert n > experience.UNROLLED
    looped = jax.jit(jax.vmap(lambda each: n_step(each)))(windows)
    monkeypatch.setattr(experience, "UNROLLED", n)
    assert leaves_equal(looped, jax.jit(jax.vmap(lambda each: n_step(each)))(windows))


def test_a_window_of_any_length_is_a_small_program() -> None:
    """Written out, 20,000 rows made compilers work for minutes and run out of memory."""
    n = 20_000
    long = window(np.full(n, 0.1), [""] * n, 1.0)
    assert len(str(jax.make_jaxpr(n_step)(long))) < 5_000
    assert jit_n_step(long)[2] == n
    env = Spaces(ArraySpec((), "int32", categories=3), DiscreteActions(2))
    agent = bind(TD(n_step=n), env)
    learner = jax.eval_shape(lambda: agent.init(jax.random.key(0), env, 1))
    row = jax.tree.map(lambda leaf: leaf[:1, None], rows([0.0], [""]))
    learn = jax.make_jaxpr(agent.learn)(learner, row, row.obs[0], clock(), ())
    assert len(str(learn)) < 50_000


def test_lambda_returns_by_hand() -> None:
    """gamma = lambda = 1/2, values 8, 4, 2, 16: a termination, then a time limit, then a rollout's end."""
    half = np.float32(0.5)
    values = np.float32([8, 4, 2, 16])
    free = lambda_returns(window([1, 2, 3, 4], [""] * 4, half), values, half)
    # From the end: 4 + 16/2; 3 + (2 + 12)/4; 2 + (4 + 6.5)/4; 1 + (8 + 4.625)/4.
    np.testing.assert_array_equal(free, [4.15625, 4.625, 6.5, 12])
    terminated = lambda_returns(window([1, 2, 3, 4], ["", "terminated", "", ""], half), values, half)
    np.testing.assert_array_equal(terminated, [1 + 0.25 * (8 + 2), 2, 6.5, 12])
    truncated = lambda_returns(window([1, 2, 3, 4], ["", "truncated", "", ""], half), values, half)
    np.testing.assert_array_equal(truncated, [1 + 0.25 * (8 + 4), 2 + 0.5 * 4, 6.5, 12])


@given(NUMBERS, NUMBERS, FLAGS, FRACTION, FRACTION)
def test_lambda_returns_are_those_of_rlax(
    rewards: list[float], values: list[float], flags: list[str], gamma: float, trace_decay: float
) -> None:
    rollout, values = window(rewards, flags, gamma), np.float32(values)
    expected = rlax.lambda_returns(
        rollout.reward, rollout.discount, jnp.array(values), jnp.where(rollout.boundary, 0.0, trace_decay)
    )
    np.testing.assert_allclose(
        jit_lambda_returns(rollout, values, np.float32(trace_decay)), expected, rtol=1e-5, atol=1e-4
    )


@given(NUMBERS, NUMBERS, FLAGS, FRACTION)
def test_lambda_zero_is_one_step(rewards: list[float], values: list[float], flags: list[str], gamma: float) -> None:
    rollout = window(rewards, flags, gamma)
    found = jit_lambda_returns(rollout, np.float32(values), np.float32(0))
    np.testing.assert_allclose(found, rollout.reward + rollout.discount * np.float32(values), rtol=1e-5, atol=1e-5)


@given(NUMBERS, NUMBERS, FLAGS, FRACTION)
def test_lambda_one_is_monte_carlo_up_to_a_boundary(
    rewards: list[float], values: list[float], flags: list[str], gamma: float
) -> None:
    """With lambda = 1 every return is the n-step return to the episode's or the rollout's end, bootstrapped there."""
    rollout = window(rewards, flags, gamma)
    found = jit_lambda_returns(rollout, np.float32(values), np.float32(1))
    for t in range(LENGTH):
        row = jax.tree.map(lambda leaf, t=t: leaf[t:], rows(rewards, flags))
        reward, discount, steps = fold(row.reward, row.terminated, row.truncated, gamma)
        np.testing.assert_allclose(found[t], reward + discount * values[t + steps - 1], rtol=1e-4, atol=1e-3)


@given(NUMBERS, NUMBERS, FLAGS, st.integers(0, LENGTH - 2), st.sampled_from(["terminated", "truncated"]))
def test_nothing_after_a_boundary_matters(
    rewards: list[float], values: list[float], flags: list[str], end: int, flag: str
) -> None:
    flags = [*flags[:end], flag, *flags[end + 1 :]]
    returns = partial(jit_lambda_returns, trace_decay=np.float32(0.8))
    changed = [*rewards[: end + 1], *np.random.default_rng(0).normal(size=LENGTH - end - 1)]
    other = [*values[: end + 1], *np.random.default_rng(1).normal(size=LENGTH - end - 1)]
    one = returns(window(rewards, flags, 0.9), next_value=np.float32(values))
    two = returns(window(changed, flags, 0.9), next_value=np.float32(other))
    np.testing.assert_array_equal(one[: end + 1], two[: end + 1])
