"""Features of an observation for linear action values, as the indices and values of those that are not 0."""

import dataclasses
from itertools import product
from typing import Any, ClassVar, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.bounds import assumptions, bounded
from argmaxq.spaces import Spaces
from argmaxq.types import Array

Bound = tuple[float, ...]


class Active(NamedTuple):
    """The features that are not 0.

    Attributes:
        index: Which, int32 [k].
        value: Their values, float32 [k].
    """

    index: Array
    value: Array


class Features(Protocol):
    """A map from observations to features; ``bind`` has told it of the observation's box or categories."""

    signs: ClassVar[tuple[float, ...]]
    """Where all actions share one weight vector, the factor of each action's features; else empty."""

    @property
    def count(self) -> int:
        """How many features there are."""

    def __call__(self, obs: Array) -> Active:
        """The active features, [k], of one observation [n]."""


class _InBox:
    """Features of an observation scaled to its box."""

    low: Bound
    high: Bound
    signs: ClassVar[tuple[float, ...]] = ()

    def bind(self, spaces: Spaces) -> Any:
        """With the environment's bounds where none are given.

        Raises:
            UserError: an entry has no bounds, and none are given.
        """
        box = bounded(spaces.observation, self.low, self.high)
        return dataclasses.replace(self, low=box.low, high=box.high)  # type: ignore[type-var]

    def remarks(self, spaces: Spaces) -> list[str]:
        """What is assumed of the observation."""
        return assumptions(spaces.observation, self.low, self.high)

    def _unit(self, obs: Array, xp: Any = jnp) -> Array:
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return xp.clip((xp.ravel(obs).astype(np.float32) - low) * (1.0 / (high - low)), 0.0, 1.0)


@component(Features)
class Symmetric:
    """phi(s, a) = -s for action 0 and +s for action 1: for problems that look the same in a mirror.

    Attributes:
        entries: Numbers in an observation; none: the environment's own.

    Examples:
        >>> symmetric = aq.networks.Linear(Symmetric(entries=2))
        >>> symmetric({"weights": jnp.array([[[1.0]], [[2.0]]])}, jnp.array([3.0, 4.0])).tolist()
        [[-11.0], [11.0]]
    """

    entries: Size | None = None
    signs: ClassVar[tuple[float, ...]] = (-1.0, 1.0)

    def bind(self, spaces: Spaces) -> "Symmetric":
        """With the observation's size.

        Raises:
            UserError: there are other than two actions, or the observation is an index.
        """
        if spaces.action.n != 2 or spaces.observation.categories:
            raise UserError(f"symmetric features need numbers and two actions; here are {spaces.action.n} actions")
        return dataclasses.replace(self, entries=int(np.prod(spaces.observation.shape)))

    @property
    def count(self) -> int:
        """One feature for each number observed."""
        return self.entries or 1

    def __call__(self, obs: Array) -> Active:
        """All entries of one observation [n]."""
        return _dense(jnp.ravel(obs).astype(jnp.float32))


@component(Features)
class Indicator:
    """One feature for each category of a Discrete observation (one-hot): linear values are then a table.

    Attributes:
        categories: How many there are; none: the environment's own.

    Examples:
        >>> Indicator(categories=5)(jnp.int32(3)).index.tolist()
        [3]
    """

    categories: Size | None = None
    signs: ClassVar[tuple[float, ...]] = ()

    def bind(self, spaces: Spaces) -> "Indicator":
        """With the environment's categories.

        Raises:
            UserError: the observation is no index.
        """
        if not spaces.observation.categories:
            raise UserError("these are no Discrete observations: cut their box into cells with bins, or take tiles")
        return dataclasses.replace(self, categories=spaces.observation.categories)

    @property
    def count(self) -> int:
        """One feature for each category."""
        return self.categories or 1

    def __call__(self, obs: Array) -> Active:
        """The one feature of an index []."""
        return Active(jnp.asarray(obs, jnp.int32).reshape(1), jnp.ones(1))


@component(Features)
class Bins(_InBox):
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
        place = xp.minimum((self._unit(obs, xp) * shape.astype(np.float32)).astype(np.int32), shape - 1)
        return xp.sum(place * strides(self.shape))

    def __call__(self, obs: Array) -> Active:
        """The one feature of the cell in which an observation [n] lies."""
        return Active(self.cell(obs).reshape(1), jnp.ones(1))


@component(Features)
class Tiles(_InBox):
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
        place = self._unit(obs) * np.array(per_entry(self.tiles, len(self.low)), np.float32)
        tile = jnp.floor(place + self.moves).astype(jnp.int32)
        return Active(self.first + tile @ jnp.asarray(strides(self.shape)), jnp.ones(self.tilings))


@component(Features)
class Fourier(_InBox):
    """cos(pi c.x) for all c in {0 .. order}^n (Konidaris et al. 2011).

    Features are divided by sqrt(|c|), which is the paper's smaller step size alpha / |c| for finer waves.

    Attributes:
        order: Greatest frequency along each entry.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Fourier(order=1, low=(0.0,), high=(1.0,))(jnp.array([1.0])).value.tolist()  # cos(0), cos(pi)
        [1.0, -1.0]
    """

    order: Size = 3
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """(order + 1)^n."""
        return int((self.order + 1) ** len(self.low))

    def __call__(self, obs: Array) -> Active:
        """All waves, [count], at an observation [n]."""
        waves = all_exponents(self.order, len(self.low))
        length = np.maximum(np.linalg.norm(waves, axis=1), 1.0)
        return _dense(jnp.cos(np.pi * (waves @ self._unit(obs))) / np.sqrt(length).astype(np.float32))


@component(Features)
class Radial(_InBox):
    """Gaussian bumps exp(-|x - centre|^2 / (2 width^2)) on a grid of centres, which add up to 1 if normalised.

    Attributes:
        centres: Bumps along each entry; one number: as many along each.
        width: Standard deviation of a bump, in distances between neighbours.
        normalised: Divide by their sum.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Radial(centres=(2,), width=1.0, normalised=True, low=(0.0,), high=(1.0,))(jnp.array([0.5])).value.tolist()
        [0.5, 0.5]
    """

    centres: tuple[Size, ...] = (6,)
    width: Positive = 0.7
    normalised: bool = True
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """One feature for each bump.

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        return int(np.prod(per_entry(self.centres, len(self.low))))

    @property
    def shape(self) -> np.ndarray:
        """Bumps along each entry.

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        return np.array(per_entry(self.centres, len(self.low)))

    @property
    def places(self) -> np.ndarray:
        """The centres [bumps, entries], in distances between neighbours."""
        return np.array(list(product(*map(range, self.shape.tolist()))), np.float32)

    def __call__(self, obs: Array) -> Active:
        """All bumps, [count], at an observation [n].

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        distance = self._unit(obs) * np.maximum(self.shape - 1, 1).astype(np.float32) - self.places
        bumps = jnp.exp(-0.5 * jnp.sum(distance**2, axis=1) / self.width**2)
        return _dense(bumps / jnp.maximum(jnp.sum(bumps), 1e-30) if self.normalised else bumps)


@component(Features)
class Polynomial(_InBox):
    """Products x_1^c_1 ... x_n^c_n for all c in {0 .. order}^n, of entries in [-1, 1]; order 1 includes the entries.

    Attributes:
        order: Greatest power of each entry.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Polynomial(order=2, low=(0.0,), high=(1.0,))(jnp.array([1.0])).value.tolist()  # entry 1: 1, 1, 1
        [1.0, 1.0, 1.0]
    """

    order: Size = 1
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """(order + 1)^n."""
        return int((self.order + 1) ** len(self.low))

    def __call__(self, obs: Array) -> Active:
        """All products, [count], of powers of an observation's [n] entries."""
        entry = 2.0 * self._unit(obs) - 1.0
        powers = jnp.stack([entry**power for power in range(self.order + 1)])
        exponents = all_exponents(self.order, len(self.low)).astype(np.int32)
        return _dense(jnp.prod(powers[exponents, np.arange(len(self.low))], axis=1))


def _dense(value: Array) -> Active:
    return Active(jnp.arange(value.shape[0]), value)


def per_entry(numbers: tuple[int, ...], entries: int) -> tuple[int, ...]:
    """One number for each entry of an observation; raises UserError where there are others."""
    if len(numbers) not in (1, entries):
        raise UserError(f"{numbers}: one number, or one for each of the {entries} entries of an observation")
    return numbers * entries if len(numbers) == 1 else numbers


def strides(shape: tuple[int, ...]) -> np.ndarray:
    """How far apart neighbours along each axis are among the elements of an array."""
    return np.append(np.cumprod(shape[:0:-1])[::-1], 1).astype(np.int32)


def all_exponents(order: int, entries: int) -> np.ndarray:
    """All of {0 .. order}^entries, a row each, in float32."""
    return np.array(list(product(range(order + 1), repeat=entries)), np.float32)
