"""Many small arrays as one: a compiled call pays about a microsecond for each array it returns."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.types import Array, PyTree

LARGE = 2**14
"""Elements from which an array stays on its own, such as a replay's."""


class Packed(NamedTuple):
    """A tree's small arrays end to end, one vector for each dtype, and its large ones as they are."""

    small: dict[str, Array]
    large: list[Array]


class Packing:
    """Packs trees shaped like ``like`` and unpacks them again; both are to be used inside compiled functions."""

    def __init__(self, like: PyTree) -> None:
        leaves, self._structure = jax.tree.flatten(like)
        self._specs = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        self._dtypes = sorted({spec.dtype.name for spec in self._specs if spec.size < LARGE})

    def pack(self, tree: PyTree) -> Packed:
        """The tree's arrays in few pieces."""
        leaves = jax.tree.leaves(tree)
        small = {
            name: jnp.concatenate([jnp.ravel(leaf) for leaf in leaves if leaf.size < LARGE and leaf.dtype.name == name])
            for name in self._dtypes
        }
        return Packed(small, [leaf for leaf in leaves if leaf.size >= LARGE])

    def unpack(self, packed: Packed) -> PyTree:
        """The tree again; what is not used of it costs nothing."""
        begin = dict.fromkeys(self._dtypes, 0)
        large = iter(packed.large)
        leaves = []
        for spec in self._specs:
            if spec.size >= LARGE:
                leaves.append(next(large))
                continue
            first = begin[spec.dtype.name]
            begin[spec.dtype.name] = first + spec.size
            leaves.append(packed.small[spec.dtype.name][first : first + spec.size].reshape(spec.shape))
        return jax.tree.unflatten(self._structure, leaves)
