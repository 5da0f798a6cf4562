"""Distributions of returns: against rlax, in double precision by hand, and by what must hold of each."""

import math
from typing import Any

import jax
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.learning.returns import Categorical, HLGauss, Huber, Quantile, Scalar, Squared
from oracles.parts import rlax

ATOMS, LOW, HIGH = 11, -3.0, 7.0
C51 = Categorical(ATOMS, LOW, HIGH)
GAUSS = HLGauss(20, LOW, HIGH)
QUANTILE = Quantile(7)
ALL: tuple[Any, ...] = (C51, GAUSS, QUANTILE, Scalar())
NUMBER = st.floats(-20, 20, width=32, allow_subnormal=False)
SHARE = st.floats(0, 1, width=32)


def outputs(*shape: int) -> Any:
    return hnp.arrays(np.float32, shape, elements=st.floats(-5, 5, width=32, allow_subnormal=False))


def certain(place: int, atoms: int = ATOMS) -> np.ndarray:
    """Logits that give one atom all probability."""
    return np.where(np.arange(atoms) == place, 0, -np.inf).astype(np.float32)


@given(outputs(ATOMS), NUMBER, SHARE)
def test_the_projection_is_that_of_rlax(z: np.ndarray, reward: float, discount: float) -> None:
    support = np.asarray(C51.support)
    np.testing.assert_allclose(support, np.linspace(LOW, HIGH, ATOMS), rtol=1e-6)
    probabilities = jax.nn.softmax(z)
    expected = rlax.categorical_l2_project(reward + discount * support, probabilities, support)
    found = C51.target(np.float32(reward), np.float32(discount), z)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("place", range(ATOMS))
def test_a_target_that_falls_on_an_atom_stays_there(place: int) -> None:
    """The support has whole steps, so a whole reward moves each atom on another one or past the end."""
    found = np.asarray(C51.target(np.float32(2), np.float32(1), certain(place)))
    np.testing.assert_array_equal(found, np.eye(ATOMS)[min(place + 2, ATOMS - 1)])
    assert C51.mean(np.log(found + 1e-30)) == pytest.approx(min(LOW + place + 2, HIGH), abs=1e-5)


@given(outputs(ATOMS), st.floats(-0.5, 0.5, width=32), st.floats(0, 0.5, width=32))
def test_the_projection_keeps_the_mean_within_the_range(z: np.ndarray, reward: float, discount: float) -> None:
    found = C51.target(np.float32(reward), np.float32(discount), z)
    assert float(found @ C51.support) == pytest.approx(float(reward + discount * C51.mean(z)), abs=2e-5)


@given(outputs(ATOMS), outputs(ATOMS))
def test_cross_entropy_and_divergence(z: np.ndarray, other: np.ndarray) -> None:
    target = jax.nn.softmax(other)
    np.testing.assert_allclose(C51.loss(z, target), optax.losses.softmax_cross_entropy(z, target), rtol=1e-5, atol=1e-6)
    divergence = (np.asarray(target, float) * (np.log(np.asarray(target, float)) - jax.nn.log_softmax(z))).sum()
    np.testing.assert_allclose(C51.td_error(z, target), divergence, rtol=1e-4, atol=5e-6)
    assert C51.td_error(other, target) == pytest.approx(0, abs=2e-6)


@given(outputs(20), NUMBER, SHARE)
def test_the_histogram_of_a_gaussian(z: np.ndarray, reward: float, discount: float) -> None:
    """The mass of each bin, by the error function of Python's own library."""
    edges = np.linspace(LOW, HIGH, 21)
    centre = float(np.clip(reward + discount * float(GAUSS.mean(z)), LOW, HIGH))
    below = np.array([math.erf((edge - centre) / (math.sqrt(2) * 0.75 * 0.5)) for edge in edges])
    found = GAUSS.target(np.float32(reward), np.float32(discount), z)
    np.testing.assert_allclose(found, np.diff(below) / (below[-1] - below[0]), atol=1e-5)
    np.testing.assert_allclose(GAUSS.support, (edges[1:] + edges[:-1]) / 2, rtol=1e-5, atol=1e-6)


@given(st.floats(LOW + 2, HIGH - 2, width=32))
def test_the_histogram_keeps_a_mean_away_from_the_ends(value: float) -> None:
    found = GAUSS.target(np.float32(value), np.float32(0), np.zeros(20, np.float32))
    assert float(found @ GAUSS.support) == pytest.approx(value, abs=2e-3)


@given(outputs(7), outputs(5))
def test_quantile_regression_is_that_of_rlax(z: np.ndarray, target: np.ndarray) -> None:
    """Over levels rlax takes the mean where eq. 10 has the sum, and its first quantiles are those of the target."""
    expected = rlax.quantile_regression_loss(z, np.asarray(QUANTILE.levels), target, 1.0)
    np.testing.assert_allclose(QUANTILE.loss(z, target), expected, rtol=2e-5, atol=1e-6)


@given(outputs(1), st.floats(-5, 5, width=32))
def test_one_quantile_is_the_median(z: np.ndarray, target: float) -> None:
    """Its loss is half of Huber's, on either side."""
    expected = 0.5 * Huber()(np.float32(target) - z[0])
    np.testing.assert_allclose(Quantile(1).loss(z, np.float32([target])), expected, rtol=1e-6, atol=1e-7)


def test_quantiles_settle_at_their_levels() -> None:
    """Where the gradient is 0, each quantile has its share of the target below it."""
    target = np.random.default_rng(0).exponential(size=4_001).astype(np.float32)
    z = np.zeros(7, np.float32)
    gradient = jax.jit(jax.grad(Quantile(7, 1e-3).loss))
    for rate in np.geomspace(0.3, 1e-3, 1_500):
        z = z - rate * np.asarray(gradient(z, target))
    np.testing.assert_allclose(z, np.quantile(target, np.asarray(QUANTILE.levels)), atol=0.02)


@pytest.mark.parametrize("returns", ALL, ids=lambda returns: type(returns).__name__)
def test_a_mixture_has_the_mean_of_the_means(returns: Any) -> None:
    z = np.random.default_rng(1).normal(size=(4, returns.size)).astype(np.float32)
    weights = np.float32([0.1, 0.0, 0.6, 0.3])
    np.testing.assert_allclose(returns.mean(returns.mixture(z, weights)), weights @ returns.mean(z), atol=1e-5)
    for action in range(4):  # all weight on one action is that action
        alone = returns.mean(returns.mixture(z, np.eye(4, dtype=np.float32)[action]))
        np.testing.assert_allclose(alone, returns.mean(z[action]), atol=1e-5)


@pytest.mark.parametrize("returns", ALL, ids=lambda returns: type(returns).__name__)
def test_nothing_follows_a_discount_of_0(returns: Any) -> None:
    """So that a number, such as a return of many steps, becomes a target of any kind."""
    z = np.random.default_rng(2).normal(size=(2, returns.size)).astype(np.float32)
    first, second = (returns.target(np.float32(1.25), np.float32(0), each) for each in z)
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize(
    ("returns", "complaint"),
    [
        (Categorical(51, 1.0, 1.0), "low = 1 is not below high = 1"),
        (HLGauss(1), "atoms = 1: at least 2"),
    ],
)
def test_what_no_histogram_is(returns: Any, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        validate(returns)


def test_scalar_losses_still_take_a_number() -> None:
    assert Scalar(Squared()).loss(np.float32([1]), np.float32(3)) == 2
