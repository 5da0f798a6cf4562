"""Features of the observation as it is: a category, or its own entries."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.features.boxes import Active, Features, dense
from argmaxq.spaces import Spaces
from argmaxq.types import Array


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
        return dense(jnp.ravel(obs).astype(jnp.float32))
