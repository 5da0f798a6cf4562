"""Values of parameterised actions, from an observation and the parameters of all actions."""

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.inputs import Inputs, Rescaled
from argmaxq.networks.mlp import Activation
from argmaxq.roles import Critic
from argmaxq.spaces import HybridActions, Spaces
from argmaxq.types import Array, PyTree


class ParameterisedPerceptron(nn.Module):
    """Dense layers whose first one sees the observation and parameters: those of all actions, or of one per pass."""

    inputs: Inputs
    hidden: tuple[int, ...]
    activation: Activation
    layer_norm: bool
    sizes: tuple[int, ...]
    size: int
    multi_pass: bool

    @nn.compact
    def __call__(self, obs: Array, parameters: Array) -> Array:
        """Observation of any shape and parameters [sum of sizes] -> outputs [actions, size]."""
        state = self.inputs(jnp.ravel(obs).astype(jnp.float32))
        total, width, actions = sum(self.sizes), self.hidden[0], len(self.sizes)
        normal = nn.initializers.normal((state.shape[0] + total) ** -0.5)
        sums = nn.Dense(width, kernel_init=normal, name="state")(state)
        kernel = self.param("parameters", normal, (total, width))
        layers = [self._dense(number) for number in range(1, len(self.hidden))]
        norms = [self._norm(number) for number in range(len(self.hidden))]
        weight = self.param("output", nn.initializers.lecun_normal(1, 2, 0), (actions, self.hidden[-1], self.size))
        bias = self.param("bias", nn.initializers.zeros, (actions, self.size))

        def features(first: Array) -> Array:
            """From the first layer's sums [width] to the last hidden layer [width]."""
            x = getattr(nn, self.activation)(norms[0](first))
            for (matrix, offset), norm in zip(layers, norms[1:], strict=True):
                x = getattr(nn, self.activation)(norm(x @ matrix + offset))
            return x

        if not self.multi_pass:
            return jnp.einsum("h,kho->ko", features(sums + parameters @ kernel), weight) + bias
        # Written out pass by pass, which compiles to plain matrix products.
        ends = pairwise([0, *np.cumsum(self.sizes).tolist()])
        passes = [features(sums + parameters[a:b] @ kernel[a:b]) for a, b in ends]
        return jnp.stack([own @ weight[k] + bias[k] for k, own in enumerate(passes)])

    def _dense(self, number: int) -> tuple[Array, Array]:
        shape = self.hidden[number - 1], self.hidden[number]
        kernel = self.param(f"kernel_{number}", nn.initializers.lecun_normal(), shape)
        return kernel, self.param(f"bias_{number}", nn.initializers.zeros, shape[1:])

    def _norm(self, number: int) -> Callable[[Array], Array]:
        if not self.layer_norm:
            return lambda x: x
        scale = self.param(f"scale_{number}", nn.initializers.ones, (self.hidden[number],))
        shift = self.param(f"shift_{number}", nn.initializers.zeros, (self.hidden[number],))
        return lambda x: jax.nn.standardize(x, epsilon=1e-6) * scale + shift


class _MLPCritic:
    """What critics of one perceptron share."""

    hidden: tuple[int, ...]
    inputs: Inputs
    activation: Activation
    layer_norm: bool
    sizes: tuple[int, ...]
    multi_pass: bool

    def check(self) -> None:
        """Look whether there is a layer to learn in.

        Raises:
            UserError: there is no hidden layer.
        """
        if not self.hidden:
            raise UserError("hidden = (): at least one layer is needed")

    def bind(self, spaces: Spaces) -> Any:
        """With the number of parameters of the environment's actions."""
        return dataclasses.replace(self, sizes=parameter_sizes(spaces))  # type: ignore[type-var]

    def _module(self, size: int) -> nn.Module:
        layers = self.inputs, self.hidden, self.activation, self.layer_norm
        return ParameterisedPerceptron(*layers, self.sizes, size, self.multi_pass)

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """Parameters for one observation like ``obs`` [...] and ``size`` outputs per action."""
        return self._module(size).init(key, obs, jnp.zeros(sum(self.sizes)))["params"]

    def __call__(self, params: PyTree, obs: Array, parameters: Array) -> Array:
        """Outputs [1, actions, size]."""
        outputs: Array = self._module(params["bias"].shape[1]).apply({"params": params}, obs, parameters)
        return outputs[jnp.newaxis]


@component(Critic)
class SinglePass(_MLPCritic):
    """One pass that sees the parameters of all actions, as in P-DQN (Xiong et al. 2018).

    Attributes:
        hidden: Widths of the hidden layers.
        inputs: What is done to observations first.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation.
        sizes: Parameters of each action; the environment's own.
    """

    hidden: tuple[Size, ...] = (128,)
    inputs: Inputs = Rescaled()
    activation: Activation = "relu"
    layer_norm: bool = False
    sizes: tuple[int, ...] = ()
    multi_pass = False


@component(Critic)
class MultiPass(_MLPCritic):
    """One pass for each action, which sees that action's parameters alone, as in MP-DQN (Bester et al. 2019).

    So the value of an action does not depend on the parameters of others. Output k is taken from pass k; all passes
    share the weights and the first layer's sum over the observation.

    Attributes:
        hidden: Widths of the hidden layers.
        inputs: What is done to observations first.
        activation: Non-linearity after each hidden layer.
        layer_norm: Normalise each hidden layer before its activation.
        sizes: Parameters of each action; the environment's own.
    """

    hidden: tuple[Size, ...] = (128,)
    inputs: Inputs = Rescaled()
    activation: Activation = "relu"
    layer_norm: bool = False
    sizes: tuple[int, ...] = ()
    multi_pass = True


@component(Critic)
class Ensemble:
    """Several critics that learn the same from different initial weights; targets take the least of their values.

    Attributes:
        critic: Each of them.
        members: How many (two: Fujimoto et al. 2018).
    """

    critic: Critic = MultiPass()
    members: Size = 2

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """The members' parameters, stacked [members, ...], for one observation like ``obs`` [...]."""
        return jax.vmap(lambda own: self.critic.init(own, obs, size))(jax.random.split(key, self.members))

    def __call__(self, params: PyTree, obs: Array, parameters: Array) -> Array:
        """Outputs [members, actions, size]."""
        return jax.vmap(lambda own: self.critic(own, obs, parameters)[0])(params)


def parameter_sizes(spaces: Spaces) -> tuple[int, ...]:
    """How many parameters each action has; empty for actions without any."""
    return spaces.action.sizes if isinstance(spaces.action, HybridActions) else ()


def parameter_places(sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where each action's parameters stand among all [actions, most], and which of these places are its own at all."""
    first, slots = np.cumsum((0, *sizes[:-1])), np.arange(max(sizes))
    own = slots < np.array(sizes)[:, np.newaxis]
    return np.where(own, first[:, np.newaxis] + slots, 0), own
