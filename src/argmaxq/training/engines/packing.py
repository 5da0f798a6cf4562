"""Many small arrays as one: a compiled call pays about a microsecond for each array it returns."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

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
    """Packs trees shaped like ``like`` and unpacks them again, within compiled functions or outside of them.

    Large arrays are never copied.
    """

    def __init__(self, like: PyTree) -> None:
        leaves, self._structure = jax.tree.flatten(like)
        self._large = [leaf.size >= LARGE for leaf in leaves]
        self._specs = tuple((leaf.shape, leaf.dtype.name) for leaf in leaves if leaf.size < LARGE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packing) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> Any:
        """Packings of one key pack and unpack alike."""
        return self._structure, self._specs, tuple(self._large)

    def pack(self, tree: PyTree) -> Packed:
        """The tree's arrays in few pieces."""
        leaves = list(zip(jax.tree.leaves(tree), self._large, strict=True))
        return Packed(_join([leaf for leaf, large in leaves if not large]), [leaf for leaf, large in leaves if large])

    def unpack(self, packed: Packed) -> PyTree:
        """The tree again; what is not used of it costs nothing within a compiled function."""
        small, large = iter(_part(self._specs, packed.small)), iter(packed.large)
        return jax.tree.unflatten(self._structure, [next(large if each else small) for each in self._large])


@jax.jit
def _join(leaves: list[Array]) -> dict[str, Array]:
    names = sorted({leaf.dtype.name for leaf in leaves})
    return {name: jnp.concatenate([jnp.ravel(leaf) for leaf in leaves if leaf.dtype.name == name]) for name in names}


@partial(jax.jit, static_argnums=0)
def _part(specs: Sequence[tuple[tuple[int, ...], str]], small: dict[str, Array]) -> list[Array]:
    begin = dict.fromkeys(small, 0)
    leaves = []
    for shape, name in specs:
        first = begin[name]
        begin[name] = first + math.prod(shape)
        leaves.append(small[name][first : begin[name]].reshape(shape))
    return leaves
