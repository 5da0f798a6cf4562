"""Recurrent networks: dense layers, a cell that remembers, and a head."""

import dataclasses
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import Positive, Size
from argmaxq.components.component import component
from argmaxq.networks.heads import Head, Implicit, SingleStream
from argmaxq.networks.inputs import Inputs, OneHot, Raw
from argmaxq.networks.layers import Layer, Plain
from argmaxq.networks.mlp import Activation, hidden_layers
from argmaxq.roles import RecurrentNetwork
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


class Cell(Protocol):
    """What is remembered from one observation to the next, and how."""

    def start(self) -> PyTree:
        """The memory before an episode's first observation: zeros."""

    def __call__(self, memory: PyTree, features: Array) -> tuple[PyTree, Array]:
        """Memory and features [n] -> memory after them and outputs [width]; called inside a Linen compact method."""

    def lasting(self, key: jax.Array, params: PyTree) -> PyTree:
        """First parameters of its own, with gates that remember for some time."""


def chrono(key: jax.Array, width: int, span: Array) -> Array:
    """Biases [width] of gates that forget after 1 to ``span`` steps (Tallec and Ollivier 2018, eq. 16)."""
    return jnp.log(jax.random.uniform(key, (width,), minval=1.0, maxval=jnp.maximum(span, 1.0)))


def orthogonal(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """A random orthogonal matrix; of many seeds one after the other.

    LAPACK's factorisation of a batch waits, on a thread of XLA's pool, for others of the pool: several wait for ever.
    """
    matrix: Any = jax.custom_batching.sequential_vmap(lambda key: nn.initializers.orthogonal()(key, shape, dtype))
    return matrix(key)


def _biased(params: PyTree, gate: str, bias: Array) -> PyTree:
    return {**params, gate: {**params[gate], "bias": bias}}


@component(Cell)
class GRU:
    """Gated recurrent unit (Cho et al. 2014).

    Attributes:
        width: Numbers remembered.
        span: Steps for which the longest memory lasts at first; the shortest lasts for one.
    """

    width: Size = 64
    span: Positive = 30.0

    def start(self) -> Array:
        """Zeros [width]."""
        return jnp.zeros(self.width)

    def __call__(self, memory: Array, features: Array) -> tuple[Array, Array]:
        """(new memory, outputs), [width] each, of a memory [width] and features [...]."""
        return nn.GRUCell(self.width, recurrent_kernel_init=orthogonal, name="cell")(memory, features)

    def lasting(self, key: jax.Array, params: PyTree) -> PyTree:
        """With biases of the update gate, whose share of the old memory they are."""
        return _biased(params, "iz", chrono(key, self.width, self.span))


@component(Cell)
class LSTM:
    """Long short-term memory (Hochreiter and Schmidhuber 1997).

    Attributes:
        width: Numbers that it gives out; it remembers twice as many.
        span: Steps for which the longest memory lasts at first; the shortest lasts for one.
    """

    width: Size = 64
    span: Positive = 30.0

    def start(self) -> tuple[Array, Array]:
        """Zeros [width], of the cell and of its outputs."""
        return jnp.zeros(self.width), jnp.zeros(self.width)

    def __call__(self, memory: tuple[Array, Array], features: Array) -> tuple[tuple[Array, Array], Array]:
        """(new memory, outputs), [width] each part, of a memory of two such parts and features [...]."""
        return nn.OptimizedLSTMCell(self.width, recurrent_kernel_init=orthogonal, name="cell")(memory, features)

    def lasting(self, key: jax.Array, params: PyTree) -> PyTree:
        """With biases of the forget gate, and their opposites of the input gate."""
        bias = chrono(key, self.width, self.span)
        return _biased(_biased(params, "hf", bias), "hi", -bias)


class RecurrentPerceptron(nn.Module):
    """Dense layers, a cell and a head."""

    inputs: Inputs
    hidden: tuple[int, ...]
    activation: Activation
    layer_norm: bool
    cell: Cell
    head: Head
    outputs: tuple[int, int]
    layer: Layer

    @nn.compact
    def __call__(self, obs: Array, memory: PyTree, *levels: Array) -> tuple[Array, PyTree]:
        """Observation of any shape and memory -> outputs [actions, size] and memory; see ``Perceptron``."""
        x = self.inputs(jnp.ravel(obs).astype(jnp.float32))
        features = hidden_layers(x, self.hidden, self.activation, self.layer_norm, self.layer)
        memory, remembered = self.cell(memory, features)
        return self.head(remembered, self.outputs, *levels), memory


@component(RecurrentNetwork)
class Recurrent:
    """Hidden layers, then a cell with a memory, as in DRQN (Hausknecht and Stone 2015).

    Attributes:
        hidden: Widths of the layers before the cell.
        cell: What remembers.
        inputs: What is done to observations first.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation (Ba et al. 2016).
        head: The output layers.
        layer: What the hidden layers are; those within the cell are plain.
    """

    hidden: tuple[Size, ...] = (64,)
    cell: Cell = GRU()
    inputs: Inputs = Raw()
    activation: Activation = "relu"
    layer_norm: bool = False
    head: Head = SingleStream()
    layer: Layer = Plain()

    @property
    def implicit(self) -> bool:
        """Whether outputs are quantiles at levels that are handed in."""
        return isinstance(self.head, Implicit)

    def bind(self, spaces: Spaces) -> "Recurrent":
        """An index is seen as a one-hot vector, whatever the inputs were to do with numbers."""
        return dataclasses.replace(self, inputs=OneHot().bind(spaces)) if spaces.observation.categories else self

    def start(self) -> PyTree:
        """Nothing is remembered yet."""
        return self.cell.start()

    def _module(self, outputs: tuple[int, int]) -> RecurrentPerceptron:
        layers = self.hidden, self.activation, self.layer_norm
        return RecurrentPerceptron(self.inputs, *layers, self.cell, self.head, outputs, self.layer)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for one observation like ``obs`` and outputs [actions, size]."""
        first, second = jax.random.split(key)
        levels = [jnp.zeros(1)] if self.implicit else []
        params = self._module(outputs).init(first, obs, self.start(), *levels)["params"]
        return {**params, "cell": self.cell.lasting(second, params["cell"])}

    def __call__(
        self,
        params: PyTree,
        obs: Array,
        memory: PyTree,
        key: jax.Array | None = None,
        levels: Array | None = None,
    ) -> tuple[Array, PyTree]:
        """Outputs [actions, size] for one observation, and the memory after it; ``levels`` are as those of an MLP."""
        rngs = {} if key is None else {"noise": key}
        asked = [] if levels is None else [levels]
        return self._module(params["output"]["bias"].shape).apply({"params": params}, obs, memory, *asked, rngs=rngs)
