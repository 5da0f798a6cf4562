"""The sum tree against NumPy's cumulative sums."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.replay import sum_tree

SIZES = [1, 2, 3, 5, 8, 13, 64, 100]
WRITES = 16
assign, find, leaves = jax.jit(sum_tree.assign), jax.jit(sum_tree.find), jax.jit(sum_tree.leaves)


@st.composite
def filled(draw: Any, value: Any) -> tuple[Any, np.ndarray]:
    """A tree written to several times, and its leaves as they must be."""
    size = draw(st.sampled_from(SIZES))
    tree, expected = sum_tree.empty(size), np.zeros(size, np.float32)
    for _ in range(draw(st.integers(1, 3))):
        index = np.array(draw(st.lists(st.integers(0, size - 1), min_size=WRITES, max_size=WRITES)), np.int32)
        values = np.array(draw(st.lists(value, min_size=size, max_size=size)), np.float32)
        tree = assign(tree, index, values[index])  # equal indices carry equal values
        expected[index] = values[index]
    return tree, expected


@given(filled(st.integers(0, 100)))
def test_every_mass_falls_into_its_leaf(pair: tuple[Any, np.ndarray]) -> None:
    """Whole numbers are summed exactly, so every one below the total must land where the cumulative sum says."""
    tree, expected = pair
    np.testing.assert_array_equal(leaves(tree, np.arange(len(expected))), expected)
    assert sum_tree.total(tree) == expected.sum()
    if expected.sum():
        mass = np.linspace(0, expected.sum() - 1, 64).astype(int)
        landed = np.searchsorted(np.cumsum(expected), mass, side="right")
        np.testing.assert_array_equal(find(tree, mass.astype(np.float32)), landed)


@given(filled(st.sampled_from([0.0, 1e-6, 0.3, 1 / 3, 7.7, 1e4])))
def test_rounding_never_finds_an_empty_leaf(pair: tuple[Any, np.ndarray]) -> None:
    tree, expected = pair
    total = np.float32(sum_tree.total(tree))
    np.testing.assert_allclose(total, expected.sum(dtype=float), rtol=1e-6)
    if total:
        mass = np.append(np.linspace(0, total, 63, dtype=np.float32), 2 * total)
        assert (expected[find(tree, mass)] > 0).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_tree_has_room_for_its_leaves(size: int) -> None:
    tree = sum_tree.empty(size)
    ones = assign(tree, np.arange(size), np.ones(size, np.float32))
    assert sum_tree.total(tree) == 0.0
    assert sum_tree.total(ones) == size
    np.testing.assert_array_equal(find(ones, np.arange(size, dtype=np.float32)), np.arange(size))
    assert 2 ** sum_tree.depth(tree) < 2 * max(size, 2)
