"""Values that are interpolated between knots of each action's parameters, so that the best parameters are known."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Bounds, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.critics import parameter_places, parameter_sizes
from argmaxq.networks.heads import Head, SingleStream
from argmaxq.networks.inputs import Inputs, Rescaled
from argmaxq.networks.mlp import Activation, Perceptron
from argmaxq.roles import Critic
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree

MAX_OUTPUTS = 20_000
"""Of all knots together."""
Knots = Annotated[int, Bounds(2, MAX_OUTPUTS)]
"""At least one at each bound."""


class Grid(NamedTuple):
    """Where the knots of all actions stand among a network's outputs, actions one after the other.

    ``first`` [actions] is where an action's knots begin, ``stride`` [actions, most] how far off the next knot of a
    parameter is, ``place`` [actions, most] which of all parameters that is, and ``own`` whether the action has it.
    """

    first: np.ndarray
    stride: np.ndarray
    place: np.ndarray
    own: np.ndarray
    total: int


def grid(sizes: tuple[int, ...], knots: int) -> Grid:
    """``knots`` for each parameter, and every combination where an action has several."""
    place, own = parameter_places(sizes)
    ends = np.cumsum(knots ** np.array(sizes))
    stride = np.where(own, knots ** np.arange(own.shape[1]), 0)
    return Grid(np.r_[0, ends[:-1]], stride, place, own, int(ends[-1]))


@component(Critic)
class Interpolated:
    """Values at knots all over each action's own parameters, multilinear in between.

    The greatest value is at a knot. Of one or two parameters it tells several peaks apart, where an actor would climb
    the nearest and a quadratic has but one.

    Attributes:
        hidden: Widths of the hidden layers, which see the observation.
        knots: Values of each parameter, from bound to bound, evenly spaced.
        inputs: What is done to observations first.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation.
        head: The output layers, with an output for each knot.
        sizes: Parameters of each action; the environment's own.
    """

    hidden: tuple[Size, ...] = (128,)
    knots: Knots = 9
    inputs: Inputs = Rescaled()
    activation: Activation = "relu"
    layer_norm: bool = False
    head: Head = SingleStream()
    sizes: tuple[int, ...] = ()

    def bind(self, spaces: Spaces) -> "Interpolated":
        """With the number of parameters of the environment's actions.

        Raises:
            UserError: there would be more knots than are learnt.
        """
        sizes = parameter_sizes(spaces)
        total = sum(self.knots**size for size in sizes)
        if total > MAX_OUTPUTS:
            raise UserError(f"knots = {self.knots}: {total} in all for actions with up to {max(sizes)} parameters")
        return dataclasses.replace(self, sizes=sizes)

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """Parameters for one observation like ``obs`` [...] and ``size`` outputs per action."""
        return self._module((self._grid.total, size)).init(key, obs)["params"]

    def at_knots(self, params: PyTree, obs: Array) -> Array:
        """Outputs [knots, size], of the knots of all actions, for one observation [...]."""
        outputs: Array = self._module(params["output"]["bias"].shape).apply({"params": params}, obs)
        return outputs

    def of(self, params: PyTree, obs: Array, action: Array, parameters: Array) -> Array:
        """Outputs [size] of one action, an integer, with the parameters [parameters] of all actions at hand."""
        return self._between(self.at_knots(params, obs), action, parameters)

    def __call__(self, params: PyTree, obs: Array, parameters: Array) -> Array:
        """Outputs [1, actions, size]."""
        actions = jnp.arange(len(self.sizes))
        return jax.vmap(self._between, (None, 0, None))(self.at_knots(params, obs), actions, parameters)[jnp.newaxis]

    def best(self, params: PyTree, obs: Array, mean: Callable[[Array], Array]) -> tuple[Array, Array]:
        """The greatest values [actions] and the parameters [parameters] that have them.

        ``mean`` maps outputs [..., size] to expected returns [...].
        """
        values, positions = mean(self.at_knots(params, obs)), jnp.linspace(-1.0, 1.0, self.knots)
        segments = jnp.split(values, self._grid.first[1:].tolist())
        knots = [
            positions[jnp.argmax(own) // stride % self.knots]
            for own, size, strides in zip(segments, self.sizes, self._grid.stride, strict=True)
            for stride in strides[:size]
        ]
        return jnp.stack([jnp.max(own) for own in segments]), jnp.stack(knots)

    def _between(self, outputs: Array, action: Array, parameters: Array) -> Array:
        """Outputs [size] of one action, from those at all knots [knots of all actions, size]."""
        first, stride, place, own = (jnp.asarray(table)[action] for table in self._grid[:4])
        share = (jnp.clip(jnp.asarray(parameters)[place], -1.0, 1.0) + 1.0) / 2.0
        position = jnp.where(own, share * (self.knots - 1), 0.0)
        below = jnp.minimum(position.astype(jnp.int32), self.knots - 2)
        beyond = position - below
        corners = np.array(list(itertools.product((0, 1), repeat=self._grid.own.shape[1])), int)
        weights = jnp.prod(jnp.where(corners, beyond, 1.0 - beyond), axis=1)
        return weights @ outputs[first + (below + corners) @ stride]

    @property
    def _grid(self) -> Grid:
        return grid(self.sizes, self.knots)

    def _module(self, outputs: tuple[int, int]) -> Perceptron:
        return Perceptron(self.inputs, self.hidden, self.activation, self.layer_norm, self.head, outputs)
