"""Layers whose matrices have spectral norm 1."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.types import Array


@component("spectral-norm")
class SpectralNorm:
    """Matrices are divided by their greatest singular value (Miyato et al. 2018; in Q-learning Gogianu et al. 2021).

    Attributes:
        layers: How many of the hidden layers, counted from the last.
        iterations: Of the power method that finds the singular value, in each call, so that nothing is remembered.
    """

    layers: Size = 1
    iterations: Size = 8


class SpectralDense(nn.Module):
    """A dense layer, with the parameters of ``nn.Dense``, whose matrix acts with its greatest singular value 1."""

    width: int
    iterations: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[inputs] -> [width]."""
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], self.width))
        bias = self.param("bias", nn.initializers.zeros, (self.width,))
        return x @ (kernel / singular_value(kernel, self.iterations)) + bias


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
