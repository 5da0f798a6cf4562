"""Losses, targets and target networks against rlax, optax and each other."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argmaxq.learning.bootstrap import Double, Max, Munchausen
from argmaxq.learning.returns import Huber, Scalar, Squared
from argmaxq.learning.sync import Online, Periodic, Polyak
from argmaxq.types import Estimate, Estimates, Transition
from oracles.parts import leaves_equal, rlax

ACTIONS = 4
NUMBER = st.floats(-100, 100, width=32, allow_subnormal=False)  # XLA takes those for 0
VALUES = hnp.arrays(np.float32, (ACTIONS, 1), elements=NUMBER)


@given(NUMBER, st.floats(0.125, 10, width=32))
def test_losses_are_those_of_optax_and_rlax(error: float, delta: float) -> None:
    error, delta = np.float32(error), np.float32(delta)
    np.testing.assert_allclose(Squared()(error), optax.losses.l2_loss(error), rtol=1e-6)
    np.testing.assert_allclose(Huber(delta)(error), rlax.huber_loss(error, delta), rtol=1e-5, atol=1e-6)


@given(NUMBER)
def test_gradients_are_the_error_and_the_clipped_error(error: float) -> None:
    error = np.float32(error)
    assert jax.grad(Squared())(error) == error
    np.testing.assert_allclose(jax.grad(Huber(2.0))(error), np.clip(error, -2, 2), rtol=1e-6, atol=3e-7)


def test_scalar_returns() -> None:
    returns, z = Scalar(Squared()), np.float32([3.0])
    assert returns.size == 1
    assert returns.mean(z) == 3
    assert returns.mean(np.ones((5, 4, 1))).shape == (5, 4)
    target = returns.target(np.float32(1.0), np.float32(0.5), z)
    assert target == 2.5
    assert returns.td_error(z, target) == -0.5
    assert returns.loss(z, target) == 0.125


def transition(reward: float, discount: float) -> Transition:
    nothing = np.float32(0)
    return Transition(nothing, nothing, np.float32(reward), np.float32(discount), nothing)


def goal(bootstrap: Any, one: Transition, online: np.ndarray, target: np.ndarray, here: Any = None) -> Any:
    """A bootstrap's target from outputs [actions, 1] at the next state, and the target network's at this one."""
    there = Estimates(Estimate(online, online[:, 0]), Estimate(target, target[:, 0]))
    own = target if here is None else here
    return bootstrap.target(Scalar(), one, Estimates(Estimate(own, own[:, 0]), Estimate(own, own[:, 0])), there)


@given(VALUES, VALUES, NUMBER, st.floats(0, 1, width=32), st.integers(0, ACTIONS - 1))
def test_targets_are_those_of_rlax(
    online: np.ndarray, target: np.ndarray, reward: float, discount: float, action: int
) -> None:
    """rlax gives TD errors of a value: ours are target - value."""
    one = transition(reward, discount)
    q, value = np.float32(np.linspace(-1, 1, ACTIONS)), np.linspace(-1, 1, ACTIONS)[action]
    td_error = rlax.q_learning(q, action, one.reward, one.discount, target[:, 0])
    np.testing.assert_allclose(goal(Max(), one, online, target) - value, td_error, rtol=1e-4, atol=1e-4)
    td_error = rlax.double_q_learning(q, action, one.reward, one.discount, target[:, 0], online[:, 0])
    np.testing.assert_allclose(goal(Double(), one, online, target) - value, td_error, rtol=1e-4, atol=1e-4)


@given(VALUES, NUMBER, st.floats(0, 1, width=32))
def test_double_with_equal_networks_is_max(values: np.ndarray, reward: float, discount: float) -> None:
    one = transition(reward, discount)
    assert goal(Double(), one, values, values) == goal(Max(), one, values, values)


def test_double_lets_the_online_network_choose_and_the_target_network_judge() -> None:
    online, target = np.float32([[9], [10], [0]]), np.float32([[1], [2], [30]])
    one = transition(1.0, 0.5)
    assert goal(Double(), one, online, target) == 1 + 0.5 * 2
    assert goal(Max(), one, online, target) == 1 + 0.5 * 30


def test_a_discount_of_zero_needs_no_next_value() -> None:
    assert goal(Max(), transition(7.0, 0.0), np.full((2, 1), 1e9), np.full((2, 1), 1e9)) == 7


def log_softmax(q: np.ndarray, temperature: float) -> np.ndarray:
    """In double precision."""
    scaled = (q - q.max()) / temperature
    return np.asarray(scaled - np.log(np.exp(scaled).sum()))


@given(VALUES, VALUES, NUMBER, st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 5), st.integers(0, ACTIONS - 1))
def test_munchausen_in_double_precision(
    here: np.ndarray, there: np.ndarray, reward: float, discount: float, weight: float, temperature: float, action: int
) -> None:
    """Vieillard et al. 2020, eq. 2, written out."""
    one = transition(reward, discount)._replace(action=np.int32(action))
    following = log_softmax(there[:, 0].astype(float), temperature)
    bonus = weight * np.clip(temperature * log_softmax(here[:, 0].astype(float), temperature)[action], -1, 0)
    soft = (np.exp(following) * (there[:, 0] - temperature * following)).sum()
    found = goal(Munchausen(weight, temperature), one, there, there, here)
    np.testing.assert_allclose(found, reward + bonus + discount * soft, rtol=2e-5, atol=2e-4)
    # A state's value is the same sum.
    np.testing.assert_allclose(Munchausen(weight, temperature).value(there[:, 0]), soft, rtol=2e-5, atol=2e-4)


@given(VALUES, NUMBER, st.floats(0, 1, width=32), st.integers(0, ACTIONS - 1))
def test_munchausen_without_weight_and_temperature_is_max(
    values: np.ndarray, reward: float, discount: float, action: int
) -> None:
    one = transition(reward, discount)._replace(action=np.int32(action))
    found = goal(Munchausen(weight=0.0, temperature=1e-6), one, values, values)
    np.testing.assert_allclose(found, goal(Max(), one, values, values), rtol=1e-5, atol=1e-4)


def test_the_bonus_is_clipped() -> None:
    bootstrap, q = Munchausen(weight=0.5, temperature=0.1, clip=1.0), np.float32([0, 100])
    assert bootstrap.reward(np.float32(3), q, np.int32(0)) == 3 - 0.5
    assert bootstrap.reward(np.float32(3), q, np.int32(1)) == 3


PARAMS = {"w": jnp.array([1.0, 2.0], "float32"), "b": jnp.array(3.0, "float32")}
OLD = {"w": jnp.array([-5.0, 0.5], "float32"), "b": jnp.array(1 / 3, "float32")}


@pytest.mark.parametrize("update", [1, 2, 499, 500])
@pytest.mark.parametrize("sync", [Periodic(1), Polyak(1.0), Online()], ids=lambda sync: type(sync).__name__)
def test_polyak_1_is_periodic_1_is_online(sync: Any, update: int) -> None:
    assert leaves_equal(sync(OLD, PARAMS, jnp.int32(update)), PARAMS)


@pytest.mark.parametrize("period", [1, 2, 3, 7])
def test_periodic_counts_gradient_updates(period: int) -> None:
    """After update u the target is what the parameters were after update period * (u // period)."""
    target = jnp.float32(0)
    for update in range(1, 30):
        target = Periodic(period)(target, jnp.float32(update), jnp.int32(update))
        assert target == period * (update // period)


def test_polyak_closes_in_geometrically() -> None:
    target = OLD
    for update in range(1, 51):
        target = Polyak(0.1)(target, PARAMS, jnp.int32(update))
    expected = jax.tree.map(lambda old, new: new + 0.9**50 * (old - new), OLD, PARAMS)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), target, expected)


def test_polyak_0_never_moves() -> None:
    assert leaves_equal(Polyak(0.0)(OLD, PARAMS, jnp.int32(1)), OLD)
