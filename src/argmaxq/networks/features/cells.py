"""Features that divide the observation's box: bins and tiles."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.networks.features.boxes import Active, Bound, Features, InBox, per_entry
from argmaxq.types import Array


@component(Features)
class Bins(InBox):
    """Discretisation: one feature for each cell of a grid; values are constant in a cell.

    Attributes:
        bins: Cells along each entry of the observation; one number: as many along each.
        low: Least value of each entry, below which the outermost cell goes on; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> grid = Bins(bins=(2, 4), low=(0.0, 0.0), high=(1.0, 1.0))
        >>> grid.count, int(grid.cell(jnp.array([0.9, 0.3])))
        (8, 5)
    """

    bins: tuple[Size, ...] = (10,)
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """One feature for each cell."""
        return int(np.prod(self.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each entry.

        Raises:
            UserError: ``bins`` are not one for each entry.
        """
        return per_entry(self.bins, len(self.low))

    def cell(self, obs: Array, xp: Any = jnp) -> Array:
        """The number [] of an observation's [n] cell, the last entry counting fastest.

        ``xp`` computes: jax.numpy or numpy.
        """
        shape = np.array(self.shape, np.int32)
        place = xp.minimum((self.unit(obs, xp) * shape.astype(np.float32)).astype(np.int32), shape - 1)
        return xp.sum(place * strides(self.shape))

    def __call__(self, obs: Array) -> Active:
        """The one feature of the cell in which an observation [n] lies."""
        return Active(self.cell(obs).reshape(1), jnp.ones(1))


@component(Features)
class Tiles(InBox):
    """Tile coding: several grids, each moved by another fraction of a tile (Sutton and Barto, 2nd ed., 9.5.4).

    Grid i of n is moved by i (1, 3, 5, ...) / n of a tile, modulo one tile: the asymmetric offsets recommended there.
    Feature values are 1, so a step size of 1 / n learns a target at once.

    Attributes:
        tilings: How many grids.
        tiles: Tiles along each entry; one number: as many along each.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> tiles = Tiles(tiles=(4,), tilings=8, low=(0.0,), high=(1.0,))
        >>> tiles.count, len(tiles(jnp.array([0.5])).index)
        (40, 8)
    """

    tilings: Size = 8
    tiles: tuple[Size, ...] = (8,)
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """One feature for each tile; a grid that is moved needs one more along each entry."""
        return self.tilings * int(np.prod(self.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Tiles of one tiling along each entry.

        Raises:
            UserError: ``tiles`` are not one for each entry.
        """
        return tuple(tiles + 1 for tiles in per_entry(self.tiles, len(self.low)))

    @property
    def moves(self) -> np.ndarray:
        """By how much of a tile each grid is moved along each entry, [tilings, entries]."""
        odd = 1 + 2 * np.arange(len(self.low))
        return (np.arange(self.tilings)[:, np.newaxis] * odd % self.tilings / self.tilings).astype(np.float32)

    @property
    def first(self) -> np.ndarray:
        """The number of each grid's first tile [tilings]."""
        return np.arange(self.tilings, dtype=np.int32) * int(np.prod(self.shape))

    def __call__(self, obs: Array) -> Active:
        """A tile of each tiling, [tilings], for an observation [n].

        Raises:
            UserError: ``tiles`` are not one for each entry.
        """
        place = self.unit(obs) * np.array(per_entry(self.tiles, len(self.low)), np.float32)
        tile = jnp.floor(place + self.moves).astype(jnp.int32)
        return Active(self.first + tile @ jnp.asarray(strides(self.shape)), jnp.ones(self.tilings))


def strides(shape: tuple[int, ...]) -> np.ndarray:
    """How far apart neighbours along each axis are among the elements of an array: int32 [axes]."""
    return np.append(np.cumprod(shape[:0:-1])[::-1], 1).astype(np.int32)
