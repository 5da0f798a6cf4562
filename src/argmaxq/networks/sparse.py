"""The network of streaming deep reinforcement learning: sparse at first, normalised without parameters."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.networks.inputs import OneHot
from argmaxq.roles import Network
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


def sparse_uniform(sparsity: Array) -> nn.initializers.Initializer:
    """Uniform within +-1/sqrt(inputs), a share of each unit's inputs set to 0 (Elsayed et al. 2024, algorithm 1)."""

    def make(key: jax.Array, shape: tuple[int, int], dtype: object = jnp.float32) -> Array:
        values_key, places_key = jax.random.split(key)
        bound = shape[0] ** -0.5
        weights = jax.random.uniform(values_key, shape, jnp.float32, -bound, bound)
        # Ranks of random numbers, so that every unit keeps exactly as many inputs as any other.
        rank = jnp.argsort(jnp.argsort(jax.random.uniform(places_key, shape), axis=0), axis=0)
        return jnp.where(rank < jnp.round(sparsity * shape[0]), 0.0, weights)

    return make


class _Layers(nn.Module):
    hidden: tuple[int, ...]
    sparsity: Array
    actions: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        start = sparse_uniform(self.sparsity)
        for width in self.hidden:
            x = nn.Dense(width, kernel_init=start)(x)
            x = nn.leaky_relu(nn.LayerNorm(use_bias=False, use_scale=False, epsilon=1e-5)(x))
        return nn.Dense(self.actions, kernel_init=start)(x)


@component(Network)
class SparseMLP:
    """Dense layers with mostly zero weights, normalised without parameters, and leaky ReLU (Elsayed et al. 2024).

    Attributes:
        hidden: Widths of the hidden layers.
        sparsity: Share of each unit's weights that is 0 at first.
        categories: Of a Discrete observation, seen as a one-hot vector; none: the environment's own.
    """

    hidden: tuple[Size, ...] = (32, 32)
    sparsity: Fraction = 0.9
    categories: Size | None = None

    def bind(self, spaces: Spaces) -> "SparseMLP":
        """With the environment's number of categories."""
        return dataclasses.replace(self, categories=spaces.observation.categories or None)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for outputs [actions, 1]."""
        return self._layers(outputs[0]).init(key, self._seen(obs))["params"]

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Action values [actions, 1] for one observation [...]."""
        actions = params[f"Dense_{len(self.hidden)}"]["bias"].shape[0]
        values: Array = self._layers(actions).apply({"params": params}, self._seen(obs))
        return values[:, jnp.newaxis]

    def _seen(self, obs: Array) -> Array:
        return jnp.ravel(obs).astype(jnp.float32) if self.categories is None else OneHot(self.categories)(obs)

    def _layers(self, actions: int) -> _Layers:
        return _Layers(self.hidden, self.sparsity, actions)
