"""Returns learnt on a compressed scale, so that large and small ones fit one network without clipped rewards."""

import jax.numpy as jnp

from argmaxq.components.annotations import Positive
from argmaxq.components.component import component
from argmaxq.learning.returns.scalar import Huber, RegressionLoss
from argmaxq.roles import Returns
from argmaxq.types import Array


@component(Returns)
class Transformed:
    """A return's expectation x as one number h(x): the transformed Bellman operator (Pohlen et al. 2018).

    h(x) = sign(x) (sqrt(|x| + 1) - 1) + epsilon x; the target is h(reward + discount * h^-1(z)).

    Attributes:
        epsilon: The part of h that stays linear, which gives it an inverse that is not too steep.
        error: Loss of the difference between value and target, on the compressed scale.

    Examples:
        >>> returns = Transformed(epsilon=0.0)
        >>> float(returns.compress(jnp.float32(8.0)))
        2.0
    """

    epsilon: Positive = 1e-3
    error: RegressionLoss = Huber()

    @property
    def size(self) -> int:
        """One output per action."""
        return 1

    def compress(self, x: Array) -> Array:
        """h(x) of numbers [...]."""
        return jnp.sign(x) * (jnp.sqrt(jnp.abs(x) + 1.0) - 1.0) + self.epsilon * x

    def expand(self, z: Array) -> Array:
        """x where z = h(x) (proposition A.2), of numbers [...].

        The root is multiplied by its conjugate, since the difference of two numbers near 1 is not exact.
        """
        size = jnp.abs(z)
        root = jnp.sqrt(1.0 + 4.0 * self.epsilon * (size + 1.0 + self.epsilon))
        half = 2.0 * (size + 1.0 + self.epsilon) / (root + 1.0)  # = (root - 1) / (2 epsilon)
        return jnp.sign(z) * (jnp.square(half) - 1.0)

    def mean(self, z: Array) -> Array:
        """z [..., 1] -> expected returns [...]."""
        return self.expand(z[..., 0])

    def mixture(self, z: Array, weights: Array) -> Array:
        """z [actions, 1] -> [1], of the weighted sum of returns."""
        return self.compress(weights @ self.expand(z))

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """h(reward + discount * h^-1(z)), [], of z [1]."""
        return self.compress(reward + discount * self.expand(z[0]))

    def loss(self, z: Array, target: Array) -> Array:
        """Regression loss of z [1] against a scalar target."""
        return self.error(z[0] - target)

    def td_error(self, z: Array, target: Array) -> Array:
        """target - z, [], on the compressed scale, of z [1]."""
        return target - z[0]
