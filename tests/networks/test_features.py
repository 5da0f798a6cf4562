"""Features against invariants and formulas; tables and linear values as networks."""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.components.component import bind, remarks
from argmaxq.components.errors import UserError
from argmaxq.networks.features import Bins, Fourier, Indicator, Polynomial, Radial, Symmetric, Tiles
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces

PLANE = Spaces(ArraySpec((2,), "float32", (-1.0, 0.0), (1.0, 4.0)), DiscreteActions(2))
STATES = Spaces(ArraySpec((), "int32", categories=5), DiscreteActions(3))
OPEN = Spaces(ArraySpec((2,), "float32", (-1.0, -np.inf), (1.0, np.inf)), DiscreteActions(2))
inside = st.tuples(st.floats(-1, 1, width=32), st.floats(0, 4, width=32)).map(lambda x: np.array(x, np.float32))


def dense(features: Any, obs: Any) -> np.ndarray:
    index, value = features(jnp.asarray(obs))
    out = np.zeros(features.count)
    np.add.at(out, np.asarray(index), np.asarray(value))
    return out


@given(inside, st.sampled_from([1, 4, 8]), st.integers(1, 6))
def test_each_tiling_has_one_active_tile_that_holds_the_observation(obs: np.ndarray, tilings: int, tiles: int) -> None:
    features = bind(Tiles(tilings, (tiles,)), PLANE)
    index, value = map(np.asarray, features(obs))
    assert (value == 1).all()
    per_tiling = (tiles + 1) ** 2
    np.testing.assert_array_equal(index // per_tiling, np.arange(tilings))
    row, column = np.divmod(index % per_tiling, tiles + 1)
    place = (obs - [-1, 0]) / [2, 4] * tiles
    for tiling in range(tilings):
        move = np.array([tiling % tilings, 3 * tiling % tilings]) / tilings
        corner = np.array([row[tiling], column[tiling]]) - move
        assert (corner <= place + 1e-5).all()
        assert (place <= corner + 1 + 1e-5).all()


def test_tiles_generalise_less_with_distance_and_not_beyond_a_tile() -> None:
    features = bind(Tiles(8, (4,)), PLANE)
    base = dense(features, [0.01, 2.01])
    shared = [base @ dense(features, [0.01 + 0.5 * step / 8, 2.01]) for step in range(10)]
    assert shared == [8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    # The offsets (1, 3) keep tiles from being shared along the diagonal more than along the axes.
    assert base @ dense(features, [0.01 + 0.25, 2.01 + 0.5]) <= 4


@given(inside, st.tuples(st.integers(1, 7), st.integers(1, 7)))
def test_bins_count_as_numpy_does(obs: np.ndarray, bins: tuple[int, int]) -> None:
    features = bind(Bins(bins), PLANE)
    place = ((obs - np.float32([-1, 0])) * np.float32([0.5, 0.25]) * bins).astype(int)
    cell = np.minimum(place, np.array(bins) - 1)
    assert int(features(obs).index[0]) == np.ravel_multi_index(tuple(cell), bins)
    assert int(features(np.array([9.0, 9.0])).index[0]) == features.count - 1
    assert int(features(np.array([-9.0, -9.0])).index[0]) == 0


@given(inside)
def test_smooth_features_against_their_formulas(obs: np.ndarray) -> None:
    x = (obs.astype(float) - [-1, 0]) / [2, 4]
    waves = list(product(range(4), repeat=2))
    fourier = [np.cos(np.pi * np.dot(c, x)) / max(np.linalg.norm(c), 1) ** 0.5 for c in waves]
    np.testing.assert_allclose(dense(bind(Fourier(3), PLANE), obs), fourier, atol=1e-5)
    powers = [(2 * x[0] - 1) ** a * (2 * x[1] - 1) ** b for a, b in product(range(3), repeat=2)]
    np.testing.assert_allclose(dense(bind(Polynomial(2), PLANE), obs), powers, atol=1e-5)
    bumps = np.array(
        [np.exp(-((x[0] * 3 - a) ** 2 + (x[1] * 4 - b) ** 2) / 2 / 0.25) for a, b in product(range(4), range(5))]
    )
    np.testing.assert_allclose(dense(bind(Radial((4, 5), 0.5, False), PLANE), obs), bumps, atol=1e-5)
    np.testing.assert_allclose(dense(bind(Radial((4, 5), 0.5), PLANE), obs), bumps / bumps.sum(), atol=1e-5)


def test_symmetric_features_are_phi_plus_and_minus_s() -> None:
    network = bind(Linear(Symmetric(), spread=1.0), PLANE)
    params = network.init(jax.random.key(0), jnp.zeros(2), (2, 1))
    assert params["weights"].shape == (2, 1, 1)
    obs, theta = jnp.array([0.3, -2.0]), params["weights"][:, 0, 0]
    np.testing.assert_allclose(network(params, obs)[:, 0], [-theta @ obs, theta @ obs], rtol=1e-6)


NETWORKS = {
    "table": (Table(), STATES),
    "bins": (Table(Bins((4, 3))), PLANE),
    "indicator": (Linear(Indicator(), 1.0), STATES),
    "symmetric": (Linear(Symmetric(), 1.0), PLANE),
    "tiles": (Linear(Tiles(4, (3,)), 1.0), PLANE),
    "fourier": (Linear(Fourier(2), 1.0), PLANE),
    "radial": (Linear(Radial((3,)), 1.0), PLANE),
    "polynomial": (Linear(Polynomial(2), 1.0), PLANE),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_moving_along_the_gradient_is_what_autodiff_says(name: str) -> None:
    network, spaces = NETWORKS[name]
    network = bind(network, spaces)
    obs = jnp.int32(3) if spaces is STATES else jnp.array([0.3, 1.7])
    params = network.init(jax.random.key(1), obs, (spaces.action.n, 1))
    for action in range(spaces.action.n):
        gradient = jax.grad(lambda params, action=action: network(params, obs)[action, 0])(params)
        moved = network.moved(params, obs, jnp.int32(action), jnp.float32(0.7))
        expected = params["weights"] + 0.7 * gradient["weights"]
        np.testing.assert_allclose(moved["weights"], expected, rtol=1e-5, atol=1e-6)
        assert (np.asarray(gradient["weights"]) != 0).any()


def test_a_table_is_the_linear_case_with_indicators() -> None:
    table, linear = (bind(network, STATES) for network in (Table(initial=2.0), Linear(Indicator())))
    params = table.init(jax.random.key(0), jnp.int32(0), (3, 1))
    assert params["weights"].shape == (5, 3, 1)
    assert (params["weights"] == 2).all()
    params = {"weights": jnp.arange(15.0).reshape(5, 3, 1)}
    for state in range(5):
        np.testing.assert_array_equal(table(params, jnp.int32(state)), params["weights"][state])
        np.testing.assert_array_equal(linear(params, jnp.int32(state)), params["weights"][state])


def test_an_mlp_sees_an_index_as_one_hot() -> None:
    seen = bind(MLP((7,)), STATES)
    params = seen.init(jax.random.key(0), jnp.int32(0), (3, 1))
    assert params["Dense_0"]["kernel"].shape == (5, 7)
    plain = MLP((7,))
    for state in range(5):
        np.testing.assert_array_equal(seen(params, jnp.int32(state)), plain(params, jnp.eye(5)[state]))
    assert bind(MLP((7,)), PLANE) == MLP((7,))


def test_bounds_that_are_assumed_are_said() -> None:
    features = bind(Tiles(), OPEN)
    assert (features.low, features.high) == ((-1.0, -4.0), (1.0, 4.0))
    (line,) = remarks(Linear(Tiles()), OPEN)
    assert "agent.features: no finite bounds are known of entry 1" in line
    assert "+-4" in line
    assert remarks(Linear(Tiles(low=(-1, -2), high=(1, 2))), OPEN) == remarks(Linear(Tiles()), PLANE) == []


@pytest.mark.parametrize(
    ("network", "spaces", "words"),
    [
        (Table(), PLANE, "no Discrete observations"),
        (Table(Bins()), STATES, "take a table"),
        (Table(Bins(low=(0.0,))), PLANE, "1 bounds for the 2 entries"),
        (Table(Bins(low=(5.0, 5.0))), PLANE, "give low and high"),
        (Linear(Symmetric()), Spaces(PLANE.observation, DiscreteActions(3)), "two actions"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(network: Any, spaces: Spaces, words: str) -> None:
    with pytest.raises(UserError, match=words):
        bind(network, spaces)
    with pytest.raises(UserError, match="cells are indicator or bins"):
        aq.replace(aq.Recipe(), {"agent.network": Table(Tiles())})
