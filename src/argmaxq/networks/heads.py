"""Output layers: from features to outputs [actions, size]."""

import dataclasses
from typing import Annotated, Protocol

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import Bound
from argmaxq.components.component import component
from argmaxq.types import Array, BranchedActions, Spaces


class Head(Protocol):
    """The last layers of a network."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [width] -> outputs [actions, size]; called inside a Linen module's compact method."""


@component(Head)
class SingleStream:
    """One linear layer."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        return nn.DenseGeneral(outputs, name="output")(features)


@component(Head)
class Centred:
    """One linear layer that starts at 0: an actor's, so that every parameter begins in the middle of its range."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        return nn.DenseGeneral(outputs, kernel_init=nn.initializers.zeros, name="output")(features)


@component(Head)
class Dueling:
    """V(s) + A(s, a) - mean_a A(s, a) (Wang et al. 2016, eq. 9)."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        advantage = nn.DenseGeneral(outputs, name="output")(features)
        value = nn.DenseGeneral((1, outputs[1]), name="value")(features)
        return value + advantage - jnp.mean(advantage, axis=0, keepdims=True)


@component(Head)
class BranchingDueling:
    """V(s) + A_d(s, a_d) - mean over a_d, in each branch d of several choices at once (Tavakoli et al. 2018, eq. 1).

    Outputs [branches * widest, size]: each branch has as many as the one with the most choices.
    """

    branches: Annotated[tuple[int, ...], Bound()] = ()

    def bind(self, spaces: Spaces) -> "BranchingDueling":
        """With the environment's branches; with one branch of all actions where there are no others."""
        action = spaces.action
        sizes = action.sizes if isinstance(action, BranchedActions) else (action.n,)
        return dataclasses.replace(self, branches=sizes)

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        advantage = nn.DenseGeneral(outputs, name="output")(features)
        value = nn.DenseGeneral((1, outputs[1]), name="value")(features)
        sizes = np.array(self.branches)
        there = np.arange(sizes.max()) < sizes[:, np.newaxis]
        parted = advantage.reshape(*there.shape, outputs[1])
        mean = jnp.mean(parted, axis=1, keepdims=True, where=there[..., np.newaxis])
        return value + (parted - mean).reshape(outputs)
