"""Multi-layer perceptrons on flat observations."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.networks.heads import Head, SingleStream
from argmaxq.networks.inputs import Inputs, OneHot, Raw
from argmaxq.networks.spectral import SpectralDense, SpectralNorm
from argmaxq.roles import Network
from argmaxq.types import Array, PyTree, Spaces

Activation = Literal["relu", "tanh", "leaky_relu", "elu", "gelu", "silu"]


class Perceptron(nn.Module):
    """Dense layers, optionally normalised before the activation, and a head."""

    inputs: Inputs
    hidden: tuple[int, ...]
    activation: Activation
    layer_norm: bool
    head: Head
    outputs: tuple[int, int]
    spectral_norm: SpectralNorm | None = None

    @nn.compact
    def __call__(self, obs: Array) -> Array:
        """Observation of any shape -> outputs [actions, size]."""
        x = self.inputs(jnp.ravel(obs).astype(jnp.float32))
        for number, width in enumerate(self.hidden):
            plain = self.spectral_norm is None or number < len(self.hidden) - self.spectral_norm.layers
            x = nn.Dense(width)(x) if plain else self._normalised(number, width)(x)
            x = nn.LayerNorm()(x) if self.layer_norm else x
            x = getattr(nn, self.activation)(x)
        return self.head(x, self.outputs)

    def _normalised(self, number: int, width: int) -> nn.Module:
        assert self.spectral_norm is not None
        return SpectralDense(width, self.spectral_norm.iterations, name=f"Dense_{number}")


@component(Network)
class MLP:
    """A multi-layer perceptron.

    Attributes:
        inputs: What is done to observations first.
        hidden: Widths of the hidden layers.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation (Ba et al. 2016).
        head: The output layers.
        spectral_norm: Of the last hidden layers' matrices; none: as they are learnt.
    """

    hidden: tuple[Size, ...] = (64, 64)
    inputs: Inputs = Raw()
    activation: Activation = "relu"
    layer_norm: bool = False
    head: Head = SingleStream()
    spectral_norm: SpectralNorm | None = None

    def bind(self, spaces: Spaces) -> "MLP":
        """An index is seen as a one-hot vector, whatever the inputs were to do with numbers."""
        return dataclasses.replace(self, inputs=OneHot().bind(spaces)) if spaces.observation.categories else self

    def _module(self, outputs: tuple[int, int]) -> Perceptron:
        layers = self.inputs, self.hidden, self.activation, self.layer_norm
        return Perceptron(*layers, self.head, outputs, self.spectral_norm)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for one observation like ``obs`` and outputs [actions, size]."""
        return self._module(outputs).init(key, obs)["params"]

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; their shape is read off the output layer's bias."""
        return self._module(params["output"]["bias"].shape).apply({"params": params}, obs)
