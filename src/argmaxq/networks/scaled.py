"""A network on observations in running scales, for networks that have no inputs of their own."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Positive
from argmaxq.components.component import component
from argmaxq.learning.normalisers import Moments, no_samples
from argmaxq.networks.mlp import MLP
from argmaxq.roles import Network, NetworkLike
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


@component(Network)
class Scaled:
    """Another network, such as a module of Flax or Equinox, that sees what ``inputs`` = running makes of observations.

    Attributes:
        network: That network; it sees float32 of the observation's shape.
        clip: No entry is further from 0 than this.
    """

    network: NetworkLike = MLP()
    clip: Positive = 10.0

    def bind(self, spaces: Spaces) -> Any:
        """The network itself where an observation is the number of a category, which has no scale."""
        return self.network if spaces.observation.categories else self

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The network's parameters, beside the moments of observations like ``obs`` [...]."""
        moments = no_samples((jnp.size(obs),))
        return {"scales": moments, "network": self.network.init(key, self._seen(moments, obs), outputs)}

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation."""
        outputs: Array = self.network(params["network"], self._seen(params["scales"], obs), key)
        return outputs

    def _seen(self, moments: Moments, obs: Array) -> Array:
        scaled = jax.lax.stop_gradient(moments).scaled(jnp.ravel(obs).astype(jnp.float32))
        return jnp.clip(scaled, -self.clip, self.clip).reshape(jnp.shape(obs))
