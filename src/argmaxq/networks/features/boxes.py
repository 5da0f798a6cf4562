"""What features of an observation are, and what those of a box share."""

import dataclasses
from typing import Any, ClassVar, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np

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


class InBox:
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

    def unit(self, obs: Array, xp: Any = jnp) -> Array:
        """An observation's entries [n], each from 0 to 1 within its bounds; ``xp`` computes: jax.numpy or numpy."""
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return xp.clip((xp.ravel(obs).astype(np.float32) - low) * (1.0 / (high - low)), 0.0, 1.0)


def per_entry(numbers: tuple[int, ...], entries: int) -> tuple[int, ...]:
    """One number for each entry of an observation.

    Raises:
        UserError: there are neither one nor so many.
    """
    if len(numbers) not in (1, entries):
        raise UserError(f"{numbers}: one number, or one for each of the {entries} entries of an observation")
    return numbers * entries if len(numbers) == 1 else numbers


def dense(value: Array) -> Active:
    """All features [count], whatever their values."""
    return Active(jnp.arange(value.shape[0]), value)
