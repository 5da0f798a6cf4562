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
from argmaxq.roles import Network
from argmaxq.types import Array, PyTree, Spaces

Activation = Literal["relu", "tanh", "leaky_relu", "elu", "gelu", "silu"]


def dense(x: Array, hidden: tuple[int, ...], activation: Activation, layer_norm: bool) -> Array:
    """Features [n] after dense layers; called inside a Linen module's compact method."""
    for width in hidden:
        x = nn.Dense(width)(x)
        x = nn.LayerNorm()(x) if layer_norm else x
        x = getattr(nn, activation)(x)
    return x


class Perceptron(nn.Module):
    """Dense layers, optionally normalised before the activation, and a head."""

    inputs: Inputs
    hidden: tuple[int, ...]
    activation: Activation
    layer_norm: bool
    head: Head
    outputs: tuple[int, int]

    @nn.compact
    def __call__(self, obs: Array) -> Array:
        """Observation of any shape -> outputs [actions, size]."""
        x = dense(self.inputs(jnp.ravel(obs).astype(jnp.float32)), self.hidden, self.activation, self.layer_norm)
        return self.head(x, self.outputs)


@component(Network)
class MLP:
    """A multi-layer perceptron.

    Attributes:
        inputs: What is done to observations first.
        hidden: Widths of the hidden layers.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation (Ba et al. 2016).
        head: The output layers.
    """

    hidden: tuple[Size, ...] = (64, 64)
    inputs: Inputs = Raw()
    activation: Activation = "relu"
    layer_norm: bool = False
    head: Head = SingleStream()

    def bind(self, spaces: Spaces) -> "MLP":
        """An index is seen as a one-hot vector, whatever the inputs were to do with numbers."""
        return dataclasses.replace(self, inputs=OneHot().bind(spaces)) if spaces.observation.categories else self

    def _module(self, outputs: tuple[int, int]) -> Perceptron:
        return Perceptron(self.inputs, self.hidden, self.activation, self.layer_norm, self.head, outputs)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for one observation like ``obs`` and outputs [actions, size]."""
        return self._module(outputs).init(key, obs)["params"]

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; their shape is read off the output layer's bias."""
        return self._module(params["output"]["bias"].shape).apply({"params": params}, obs)
