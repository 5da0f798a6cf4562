"""Layers that networks and their heads are made of."""

from typing import ClassVar, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import NonNegative, Size
from argmaxq.components.component import component
from argmaxq.types import Array


class Layer(Protocol):
    """A linear layer."""

    def __call__(self, x: Array, features: tuple[int, ...], name: str) -> Array:
        """x [..., width] -> [..., *features]; called inside a Linen module's compact method."""


@component(Layer)
class Plain:
    """x W + b."""

    def __call__(self, x: Array, features: tuple[int, ...], name: str) -> Array:
        """x [..., width] -> [..., *features]."""
        return nn.DenseGeneral(features, name=name)(x)


@component(Layer)
class Noisy:
    """Weights and biases that are random, with learnt means and deviations (Fortunato et al. 2018, factorised noise).

    One draw of noise is shared by all that is learnt from in an update; without a key there is none.

    Attributes:
        sigma: First deviation, times the root of the layer's width; 0: a plain layer.
    """

    random: ClassVar[bool] = True
    sigma: NonNegative = 0.5

    def __call__(self, x: Array, features: tuple[int, ...], name: str) -> Array:
        """x [..., width] -> [..., *features]."""
        return NoisyLinear(features, self.sigma, name=name)(x)


@component(Layer)
class Spectral:
    """Weights divided by their greatest singular value (Miyato et al. 2018; in Q-learning Gogianu et al. 2021).

    Attributes:
        iterations: Of the power method that finds the singular value, in each call, so that nothing is remembered.
    """

    iterations: Size = 8

    def __call__(self, x: Array, features: tuple[int, ...], name: str) -> Array:
        """x [..., width] -> [..., *features]."""
        return SpectralLinear(features, self.iterations, name=name)(x)


class SpectralLinear(nn.Module):
    """x W / s + b with the greatest singular value s of W; its parameters are the plain layer's.

    Attributes:
        features: The output's shape.
        iterations: Of the power method.
    """

    features: tuple[int, ...]
    iterations: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """x [..., width] -> [..., *features]."""
        width, outputs = x.shape[-1], int(np.prod(self.features))
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (width, *self.features))
        bias = self.param("bias", nn.initializers.zeros, self.features)
        return jnp.tensordot(x, kernel / singular_value(kernel.reshape(width, outputs), self.iterations), 1) + bias


class NoisyLinear(nn.Module):
    """x (W + S * noise) + b + s * noise, the noise of a weight being the product of its input's and its output's.

    Attributes:
        features: The output's shape.
        sigma: First deviation, times the root of the width, [].
    """

    features: tuple[int, ...]
    sigma: Array

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """x [..., width] -> [..., *features]."""
        width, outputs = x.shape[-1], int(np.prod(self.features))
        bound = width**-0.5
        spread, deviation = _uniform(bound), nn.initializers.constant(self.sigma * bound)
        kernel = self.param("kernel", spread, (width, *self.features))
        bias = self.param("bias", spread, self.features)
        kernel_deviation = self.param("kernel_deviation", deviation, kernel.shape)
        bias_deviation = self.param("bias_deviation", deviation, bias.shape)
        if self.has_rng("noise"):
            noise = _scaled(jax.random.normal(self.make_rng("noise"), (width + outputs,)))
            ins, outs = noise[:width], noise[width:].reshape(self.features)
            kernel = kernel + kernel_deviation * jnp.multiply.outer(ins, outs)
            bias = bias + bias_deviation * outs
        return jnp.tensordot(x, kernel, 1) + bias


def _scaled(noise: Array) -> Array:
    """sign(noise) * sqrt(|noise|), f in the paper; ends in roots, which XLA does not compute anew for each weight."""
    return jnp.sqrt(jnp.maximum(noise, 0.0)) - jnp.sqrt(jnp.maximum(-noise, 0.0))


def _uniform(bound: float) -> nn.initializers.Initializer:
    """Uniform within +-bound."""

    def make(key: Array, shape: tuple[int, ...], dtype: object = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, jnp.float32, -bound, bound)

    return make


def singular_value(matrix: Array, iterations: int) -> Array:
    """The greatest one of a matrix [m, n], by the power method; its gradient is that at fixed singular vectors."""

    def unit(vector: Array) -> Array:
        return vector / jnp.maximum(jnp.linalg.norm(vector), 1e-12)

    fixed = jax.lax.stop_gradient(matrix)
    right = unit(fixed.T @ fixed[:, 0])
    for _ in range(iterations):
        right = unit(fixed.T @ (fixed @ right))
    left = unit(fixed @ right)
    return left @ matrix @ right
