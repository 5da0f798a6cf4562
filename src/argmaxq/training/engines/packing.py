"""Many small arrays as one: a compiled call pays about a microsecond for each array it returns."""

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
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


@dataclasses.dataclass(frozen=True)
class Packing:
    """Packs trees of one form and unpacks them again, within compiled functions or outside of them.

    Large arrays are never copied.

    Attributes:
        structure: The tree's.
        large: Whether each of its arrays stays on its own.
        specs: Shape and dtype of those that do not.
    """

    structure: jax.tree_util.PyTreeDef
    large: tuple[bool, ...]
    specs: tuple[tuple[tuple[int, ...], str], ...]

    @classmethod
    def of(cls, like: PyTree) -> "Packing":
        """That of trees shaped like ``like``."""
        leaves, structure = jax.tree.flatten(like)
        large = tuple(leaf.size >= LARGE for leaf in leaves)
        return cls(structure, large, tuple((leaf.shape, leaf.dtype.name) for leaf in leaves if leaf.size < LARGE))

    def pack(self, tree: PyTree) -> Packed:
        """The tree's arrays in few pieces."""
        leaves = list(zip(jax.tree.leaves(tree), self.large, strict=True))
        return Packed(_join([leaf for leaf, large in leaves if not large]), [leaf for leaf, large in leaves if large])

    def unpack(self, packed: Packed) -> PyTree:
        """The tree again; what is not used of it costs nothing within a compiled function."""
        small, large = iter(_part(self.specs, packed.small)), iter(packed.large)
        return jax.tree.unflatten(self.structure, [next(large if each else small) for each in self.large])


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
