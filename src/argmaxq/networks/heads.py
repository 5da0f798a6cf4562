"""Output layers: from features to outputs [actions, size]."""

from typing import Protocol

import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.component import component
from argmaxq.types import Array


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
