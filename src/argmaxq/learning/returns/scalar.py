"""A return as one number: its expected value."""

from typing import Protocol

import jax.numpy as jnp
import optax

from argmaxq.components.annotations import Positive
from argmaxq.components.component import component
from argmaxq.roles import Returns
from argmaxq.types import Array


class RegressionLoss(Protocol):
    """Loss of one error."""

    def __call__(self, error: Array) -> Array:
        """Loss of errors [...], elementwise."""


@component(RegressionLoss)
class Squared:
    """1/2 error^2, whose gradient is the error itself.

    Examples:
        >>> float(Squared()(jnp.float32(3.0)))
        4.5
    """

    def __call__(self, error: Array) -> Array:
        """Half the square of errors [...]."""
        return 0.5 * jnp.square(error)


@component(RegressionLoss)
class Huber:
    """Squared for small errors, linear for large ones (Huber 1964): the clipped error of Mnih et al. 2015.

    Attributes:
        delta: Errors beyond it count linearly.

    Examples:
        >>> float(Huber(delta=1.0)(jnp.float32(3.0)))
        2.5
    """

    delta: Positive = 1.0

    def __call__(self, error: Array) -> Array:
        """Half the square of errors [...] up to ``delta``, in a straight line beyond it."""
        return optax.losses.huber_loss(error, delta=self.delta)


@component(Returns)
class Scalar:
    """A return's expectation as one number: outputs z [1].

    Attributes:
        error: Loss of the difference between value and target.

    Examples:
        >>> target = Scalar().target(jnp.float32(1.0), jnp.float32(0.5), jnp.array([4.0]))
        >>> float(target), float(Scalar().td_error(jnp.array([1.0]), target))
        (3.0, 2.0)
    """

    error: RegressionLoss = Huber()

    @property
    def size(self) -> int:
        """One output per action."""
        return 1

    def mean(self, z: Array) -> Array:
        """z [..., 1] -> [...]."""
        return z[..., 0]

    def mixture(self, z: Array, weights: Array) -> Array:
        """The weighted sum of z [actions, 1] -> [1]."""
        return weights @ z

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """reward + discount * z, [], of z [1]."""
        return reward + discount * z[0]

    def loss(self, z: Array, target: Array) -> Array:
        """Regression loss of z [1] against a scalar target."""
        return self.error(z[0] - target)

    def td_error(self, z: Array, target: Array) -> Array:
        """target - z, [], of z [1]."""
        return target - z[0]
