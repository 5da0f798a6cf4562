"""Output layers: from features to outputs [actions, size]."""

from typing import Protocol

import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import NonNegative
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


@component(Head)
class MeanExpansion:
    """z + k mean_a z of a linear layer's outputs z, so that what all actions share is learnt of all at once.

    The common level of values, far from 0 as a rule, grows 1 + k times as fast as the layer's own outputs do, and an
    update of one action's value moves the others (Nagarajan et al. 2026). The layer has no parameters more.

    Attributes:
        k: How much of the mean is added; 0: the plain layer; none: the number of actions.
    """

    k: NonNegative | None = None

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        z = nn.DenseGeneral(outputs, name="output")(features)
        k = outputs[0] if self.k is None else self.k
        return z + k * jnp.mean(z, axis=0, keepdims=True)
