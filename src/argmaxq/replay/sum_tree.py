"""A binary tree whose nodes hold the sum of their children: draws in proportion to priority in O(log n)."""

import jax
import jax.numpy as jnp

from argmaxq.types import Array

# The tree is one array [2 * leaves]: node 1 is the root, node i has children 2i and 2i + 1, leaves come last.


def empty(size: int) -> Array:
    """A tree [2 * leaves] of at least ``size`` leaves, a power of two, all zero."""
    leaves = 1 << max(1, (size - 1).bit_length())
    return jnp.zeros(2 * leaves, jnp.float32)


def depth(tree: Array) -> int:
    """Levels below the root of a tree [2 * leaves]."""
    return int(tree.shape[0]).bit_length() - 2


def total(tree: Array) -> Array:
    """Sum [] of all leaves of a tree [2 * leaves]."""
    return tree[1]


def leaves(tree: Array, index: Array) -> Array:
    """Values of leaves [batch]."""
    return tree[tree.shape[0] // 2 + index]


def assign(tree: Array, index: Array, value: Array) -> Array:
    """Set leaves ``index`` [batch] and recompute the sums above them. Equal indices must carry equal values."""
    node = tree.shape[0] // 2 + index

    def ascend(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        tree, node = carry
        node = node // 2
        return tree.at[node].set(tree[2 * node] + tree[2 * node + 1]), node

    return jax.lax.fori_loop(0, depth(tree), ascend, (tree.at[node].set(value), node))[0]


def find(tree: Array, mass: Array) -> Array:
    """The leaf in which each cumulative ``mass`` [batch] in [0, total) falls."""

    def descend(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        node, mass = carry
        left, right = tree[2 * node], tree[2 * node + 1]
        # An empty right child is never entered, whatever rounding says.
        go_right = (mass >= left) & (right > 0.0)
        return 2 * node + go_right, jnp.where(go_right, mass - left, mass)

    first = jnp.ones(mass.shape, jnp.int32)
    return jax.lax.fori_loop(0, depth(tree), descend, (first, mass))[0] - tree.shape[0] // 2
