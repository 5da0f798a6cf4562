"""Multi-layer perceptrons on flat observations."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.networks.heads import Head, Implicit, SingleStream
from argmaxq.networks.inputs import Inputs, OneHot, Raw
from argmaxq.networks.layers import Layer, Plain
from argmaxq.roles import Network
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree

Activation = Literal["relu", "tanh", "leaky_relu", "elu", "gelu", "silu"]


def hidden_layers(x: Array, widths: tuple[int, ...], activation: Activation, layer_norm: bool, layer: Layer) -> Array:
    """Features [n] after hidden layers; called inside a Linen module's compact method."""
    for number, width in enumerate(widths):
        x = layer(x, (width,), f"Dense_{number}")
        x = nn.LayerNorm()(x) if layer_norm else x
        x = getattr(nn, activation)(x)
    return x


class Perceptron(nn.Module):
    """Hidden layers, optionally normalised before the activation, and a head."""

    inputs: Inputs
    hidden: tuple[int, ...]
    activation: Activation
    layer_norm: bool
    head: Head
    outputs: tuple[int, int]
    layer: Layer = Plain()

    @nn.compact
    def __call__(self, obs: Array, *levels: Array) -> Array:
        """Observation of any shape -> outputs [actions, size]; ``levels`` are for an implicit head."""
        x = self.inputs(jnp.ravel(obs).astype(jnp.float32))
        x = hidden_layers(x, self.hidden, self.activation, self.layer_norm, self.layer)
        return self.head(x, self.outputs, *levels)


@component(Network)
class MLP:
    """A multi-layer perceptron.

    Attributes:
        inputs: What is done to observations first.
        hidden: Widths of the hidden layers.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation (Ba et al. 2016).
        head: The output layers.
        layer: What the hidden layers are.

    Examples:
        >>> network = MLP((32,), head=aq.heads.Dueling())
        >>> params = network.init(jax.random.key(0), jnp.zeros(4), (2, 1))
        >>> network(params, jnp.ones(4)).shape
        (2, 1)
    """

    hidden: tuple[Size, ...] = (64, 64)
    inputs: Inputs = Raw()
    activation: Activation = "relu"
    layer_norm: bool = False
    head: Head = SingleStream()
    layer: Layer = Plain()

    @property
    def implicit(self) -> bool:
        """Whether outputs are quantiles at levels that are handed in."""
        return isinstance(self.head, Implicit)

    def bind(self, spaces: Spaces) -> "MLP":
        """An index is seen as a one-hot vector, whatever the inputs were to do with numbers."""
        return dataclasses.replace(self, inputs=OneHot().bind(spaces)) if spaces.observation.categories else self

    def _module(self, outputs: tuple[int, int]) -> Perceptron:
        return Perceptron(self.inputs, self.hidden, self.activation, self.layer_norm, self.head, outputs, self.layer)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for one observation like ``obs`` and outputs [actions, size]."""
        levels = [jnp.zeros(1)] if self.implicit else []
        return self._module(outputs).init(key, obs, *levels)["params"]

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None, levels: Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; their shape is read off the output layer's bias.

        With an implicit head they are quantiles at ``levels`` [n], each beside its level: [actions, n, 2].
        """
        rngs = {} if key is None else {"noise": key}
        asked = [] if levels is None else [levels]
        return self._module(params["output"]["bias"].shape).apply({"params": params}, obs, *asked, rngs=rngs)
