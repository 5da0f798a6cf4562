"""Output layers: from features to outputs [actions, size]."""

import dataclasses
from typing import Annotated, ClassVar, Protocol

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import Bound, NonNegative, Size
from argmaxq.components.component import component
from argmaxq.networks.layers import Layer, Plain
from argmaxq.spaces import BranchedActions, Spaces
from argmaxq.types import Array


class Head(Protocol):
    """The last layers of a network."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> outputs [..., actions, size]; called inside a Linen module's compact method.

        The layer whose bias has the shape ``outputs`` is called "output".
        """


@component(Head)
class SingleStream:
    """One linear layer.

    Attributes:
        layer: What it is.
    """

    layer: Layer = Plain()

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> [..., actions, size]."""
        return self.layer(features, outputs, "output")


@component(Head)
class Centred:
    """One linear layer that starts at 0: an actor's, so that every parameter begins in the middle of its range."""

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> [..., actions, size]."""
        return nn.DenseGeneral(outputs, kernel_init=nn.initializers.zeros, name="output")(features)


@component(Head)
class Dueling:
    """V(s) + A(s, a) - mean_a A(s, a) (Wang et al. 2016, eq. 9); of distributions for each output alike.

    Attributes:
        layer: What both streams are.
    """

    layer: Layer = Plain()

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> [..., actions, size]."""
        advantage = self.layer(features, outputs, "output")
        value = self.layer(features, (1, outputs[1]), "value")
        return value + advantage - jnp.mean(advantage, axis=-2, keepdims=True)


@component(Head)
class Implicit:
    """Quantiles at any levels: features times a cosine embedding of the level (Dabney et al. 2018, eq. 4).

    It belongs to the returns ``implicit-quantile``, which choose the levels.

    Attributes:
        cosines: Waves cos(pi i level), i = 0 .. cosines - 1, that a level is seen by.
        head: The output layers after the product.
    """

    random: ClassVar[bool] = True
    cosines: Size = 64
    head: Head = SingleStream()

    def __call__(self, features: Array, outputs: tuple[int, int], levels: Array = ()) -> Array:
        """Features [width] and levels [n] -> quantiles, each beside its level, [actions, n, 2]."""
        waves = jnp.cos(jnp.pi * jnp.arange(self.cosines) * jnp.asarray(levels)[:, jnp.newaxis])
        embedding = nn.relu(nn.Dense(features.shape[-1], name="levels")(waves))
        quantiles = self.head(features * embedding, outputs)[..., 0].T
        return jnp.stack([quantiles, jnp.broadcast_to(levels, quantiles.shape)], axis=-1)


@component(Head)
class MeanExpansion:
    """z + k mean_a z of a linear layer's outputs z, so that what all actions share is learnt of all at once.

    The common level of values, far from 0 as a rule, grows 1 + k times as fast as the layer's own outputs do, and an
    update of one action's value moves the others (Nagarajan et al. 2026). The layer has no parameters more.

    Attributes:
        k: How much of the mean is added; 0: the plain layer; none: the number of actions.
        layer: What the layer is.
    """

    k: NonNegative | None = None
    layer: Layer = Plain()

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> [..., actions, size]."""
        z = self.layer(features, outputs, "output")
        k = outputs[0] if self.k is None else self.k
        return z + k * jnp.mean(z, axis=-2, keepdims=True)


@component(Head)
class BranchingDueling:
    """V(s) + A_d(s, a_d) - mean over a_d, in each branch d of several choices at once (Tavakoli et al. 2018, eq. 1).

    Outputs [..., branches * widest, size]: each branch has as many as the one with the most choices.

    Attributes:
        layer: What both streams are.
        branches: How many choices each branch has, of the environment.
    """

    layer: Layer = Plain()
    branches: Annotated[tuple[int, ...], Bound()] = ()

    def bind(self, spaces: Spaces) -> "BranchingDueling":
        """With the environment's branches; with one branch of all actions where there are no others."""
        action = spaces.action
        sizes = action.sizes if isinstance(action, BranchedActions) else (action.n,)
        return dataclasses.replace(self, branches=sizes)

    def __call__(self, features: Array, outputs: tuple[int, int]) -> Array:
        """Features [..., width] -> [..., branches * widest, size]."""
        advantage = self.layer(features, outputs, "output")
        value = self.layer(features, (1, outputs[1]), "value")
        sizes = np.array(self.branches)
        there = np.arange(sizes.max()) < sizes[:, np.newaxis]
        parted = advantage.reshape(*features.shape[:-1], *there.shape, outputs[1])
        mean = jnp.mean(parted, axis=-2, keepdims=True, where=there[..., np.newaxis])
        return value + (parted - mean).reshape(advantage.shape)
