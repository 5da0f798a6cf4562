"""Values that are quadratic in the parameters of each action, so that the best parameters are known."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.networks.critics import parameter_places, parameter_sizes
from argmaxq.networks.heads import SingleStream
from argmaxq.networks.inputs import Inputs, Rescaled
from argmaxq.networks.mlp import Activation, Perceptron
from argmaxq.roles import Critic
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


class Coefficients(NamedTuple):
    """Of an action's value: a constant [actions, size], and for each parameter slope and curvature [parameters, size].

    Q_k(x) = constant_k + the sum over the action's own parameters of slope_j x_j + curvature_j x_j^2.
    """

    constant: Array
    slope: Array
    curvature: Array


class QuadraticPerceptron(nn.Module):
    """A perceptron of the observation gives a state's value and three vectors that actions' embeddings multiply."""

    network: Perceptron
    sizes: tuple[int, ...]
    embedding: int

    def setup(self) -> None:
        actions, total = len(self.sizes), sum(self.sizes)
        # Nothing sets actions apart before parameters do; these do so in proportion, in random directions.
        self.constants = self.param("constants", nn.initializers.zeros, (actions, self.embedding))
        normal = nn.initializers.normal(self.embedding**-0.5)
        self.slopes = self.param("slopes", normal, (total, self.embedding))
        self.curvatures = self.param("curvatures", normal, (total, self.embedding))

    def coefficients(self, obs: Array) -> Coefficients:
        """Of all actions' values at one observation."""
        value, constant, slope, curvature = self._vectors(obs)
        return Coefficients(value + self.constants @ constant, self.slopes @ slope, self.curvatures @ curvature)

    def of(self, obs: Array, action: Array, parameters: Array) -> Array:
        """The value [size] of one action, an integer, with the parameters of all actions at hand."""
        value, constant, slope, curvature = self._vectors(obs)
        places, own = (jnp.asarray(table)[action] for table in parameter_places(self.sizes))
        x = jnp.where(own, jnp.asarray(parameters)[places], 0.0)
        return (
            value
            + self.constants[action] @ constant
            + (x @ self.slopes[places]) @ slope
            + (jnp.square(x) @ self.curvatures[places]) @ curvature
        )

    def _vectors(self, obs: Array) -> tuple[Array, Array, Array, Array]:
        """The state's value [size], and a vector [embedding, size] for each kind of coefficient."""
        outputs = self.network(obs)
        return outputs[0], *jnp.split(outputs[1:], 3)


@component(Critic)
class Quadratic:
    """Values quadratic in each action's own parameters (cf. Gu et al. 2016), all actions sharing a few vectors.

    Q_k(s, x) = v(s) + A_k . a(s) + sum_j (B_j . b(s)) x_j + (C_j . c(s)) x_j^2, where A_k, B_j and C_j are learnt
    embeddings of the action and its parameters, and the perceptron gives v, a, b and c. So a thousand actions
    cost one small matrix product, what is learnt of one action serves those that resemble it, and the best
    parameters are known without an actor.

    Attributes:
        hidden: Widths of the hidden layers, which see the observation.
        embedding: Length of a, b and c.
        inputs: What is done to observations first.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation.
        sizes: Parameters of each action; the environment's own.
    """

    hidden: tuple[Size, ...] = (128,)
    embedding: Size = 8
    inputs: Inputs = Rescaled()
    activation: Activation = "relu"
    layer_norm: bool = False
    sizes: tuple[int, ...] = ()

    def bind(self, spaces: Spaces) -> "Quadratic":
        """With the number of parameters of the environment's actions."""
        return dataclasses.replace(self, sizes=parameter_sizes(spaces))

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """Parameters for one observation like ``obs`` [...] and ``size`` outputs per action."""
        return self._module(size).init(key, obs, method="coefficients")["params"]

    def coefficients(self, params: PyTree, obs: Array) -> Coefficients:
        """Of the outputs of all actions, for one observation [...]."""
        found: Coefficients = self._apply(params, "coefficients", obs)
        return found

    def of(self, params: PyTree, obs: Array, action: Array, parameters: Array) -> Array:
        """Outputs [size] of one action alone, an integer, with the parameters [parameters] of all actions at hand."""
        outputs: Array = self._apply(params, "of", obs, action, parameters)
        return outputs

    def __call__(self, params: PyTree, obs: Array, parameters: Array) -> Array:
        """Outputs [1, actions, size]."""
        return jax.vmap(self._total, (-1, None), -1)(self.coefficients(params, obs), parameters)[jnp.newaxis]

    def best(self, params: PyTree, obs: Array, mean: Callable[[Array], Array]) -> tuple[Array, Array]:
        """The greatest values [actions] within the bounds and the parameters [parameters] that have them.

        ``mean`` maps outputs [..., size] to expected returns [...] and is linear.
        """
        coefficients = jax.tree.map(mean, self.coefficients(params, obs))
        _, slope, curvature = coefficients
        bowed = curvature < 0
        vertex = jnp.clip(-slope / jnp.where(bowed, 2 * curvature, -1.0), -1.0, 1.0)
        parameters = jnp.where(bowed, vertex, jnp.where(slope < 0, -1.0, 1.0))
        return self._total(coefficients, parameters), parameters

    def _total(self, coefficients: Coefficients, parameters: Array) -> Array:
        """Values [actions] from coefficients [actions], [parameters], [parameters] and parameters [parameters]."""
        constant, slope, curvature = coefficients
        own = slope * parameters + curvature * jnp.square(parameters)
        if set(self.sizes) == {1}:
            return constant + own
        owner = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return constant + jnp.asarray(np.eye(len(self.sizes), dtype=np.float32)[:, owner]) @ own

    def _module(self, size: int) -> QuadraticPerceptron:
        layers = self.inputs, self.hidden, self.activation, self.layer_norm
        network = Perceptron(*layers, SingleStream(), (1 + 3 * self.embedding, size))
        return QuadraticPerceptron(network, self.sizes, self.embedding)

    def _apply(self, params: PyTree, method: str, *inputs: Array) -> Any:
        return self._module(params["network"]["output"]["bias"].shape[1]).apply(
            {"params": params}, *inputs, method=method
        )
