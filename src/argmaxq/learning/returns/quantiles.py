"""A return's distribution as quantiles, at levels that stay or are drawn anew."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import optax

from argmaxq.components.annotations import Positive, Size
from argmaxq.components.component import component
from argmaxq.roles import Returns
from argmaxq.types import Array


@component(Returns)
class Quantile:
    """QR-DQN: quantiles of the return at equally spaced levels (Dabney et al. 2018).

    Attributes:
        quantiles: How many.
        kappa: Differences beyond it count linearly.

    Examples:
        >>> returns = Quantile(quantiles=2)
        >>> returns.levels.tolist()
        [0.25, 0.75]
        >>> returns.target(jnp.float32(1.0), jnp.float32(0.5), jnp.array([0.0, 4.0])).tolist()
        [1.0, 3.0]
    """

    quantiles: Size = 51
    kappa: Positive = 1.0

    @property
    def size(self) -> int:
        """One output for each quantile."""
        return self.quantiles

    @property
    def levels(self) -> Array:
        """The levels [quantiles], the middles of equal parts of [0, 1] (lemma 2)."""
        return even_levels(self.quantiles)

    def mean(self, z: Array) -> Array:
        """z [..., quantiles] -> [...]."""
        return jnp.mean(z, axis=-1)

    def mixture(self, z: Array, weights: Array) -> Array:
        """The weighted mean of each quantile of z [actions, quantiles], as in M-IQN (Vieillard et al. 2020)."""
        return weights @ z

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """reward + discount * z, [quantiles]."""
        return reward + discount * z

    def loss(self, z: Array, target: Array) -> Array:
        """Quantile regression of z [quantiles] on all of a target [quantiles] (eq. 10)."""
        return quantile_regression(z, self.levels, target, self.kappa)

    def td_error(self, z: Array, target: Array) -> Array:
        """The difference [] of the means of target and z, [quantiles] both."""
        return jnp.mean(target) - jnp.mean(z)


@component(Returns)
class ImplicitQuantile:
    """IQN: quantiles of the return at levels that are drawn anew for every look (Dabney et al. 2018).

    The network has the head ``implicit``. Its outputs are quantiles, each beside its level: z [levels, 2].

    Attributes:
        quantiles: Levels at which a value is learnt, N in the paper.
        target_quantiles: Levels of its target, N'.
        value_quantiles: Levels whose mean is an action value, K; evenly spaced where no one explores.
        kappa: Differences beyond it count linearly.

    Examples:
        >>> ImplicitQuantile().levels(None, 4).tolist()  # without a key they are even
        [0.125, 0.375, 0.625, 0.875]
    """

    random: ClassVar[bool] = True
    quantiles: Size = 64
    target_quantiles: Size = 64
    value_quantiles: Size = 32
    kappa: Positive = 1.0

    @property
    def size(self) -> int:
        """One output at each level."""
        return 1

    def levels(self, key: Array | None, count: int) -> Array:
        """Levels [count], uniform in [0, 1); without a key the middles of equal parts."""
        return even_levels(count) if key is None else jax.random.uniform(key, (count,))

    def mean(self, z: Array) -> Array:
        """z [..., levels, 2] -> [...]."""
        return jnp.mean(z[..., 0], axis=-1)

    def mixture(self, z: Array, weights: Array) -> Array:
        """The weighted mean at each level of z [actions, levels, 2], as in M-IQN (Vieillard et al. 2020)."""
        return jnp.tensordot(weights, z, 1)

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """reward + discount * z, [levels]."""
        return reward + discount * z[:, 0]

    def loss(self, z: Array, target: Array) -> Array:
        """Quantile regression of z [levels, 2] on all of a target [target levels] (eq. 3)."""
        return quantile_regression(z[:, 0], z[:, 1], target, self.kappa)

    def td_error(self, z: Array, target: Array) -> Array:
        """The difference [] of the means of target [levels] and z [levels, 2]."""
        return jnp.mean(target) - self.mean(z)


def even_levels(count: int) -> Array:
    """The middles [count] of equal parts of [0, 1] (Dabney et al. 2018, Distributional RL with Quantile Regression)."""
    return (jnp.arange(count) + 0.5) / count


def quantile_regression(z: Array, levels: Array, target: Array, kappa: Array) -> Array:
    """Huber's quantile loss of quantiles z [n] at their levels [n]: its mean over targets [m], summed over levels."""
    error = target[jnp.newaxis] - z[:, jnp.newaxis]
    weight = jnp.abs(levels[:, jnp.newaxis] - (error < 0))
    return jnp.sum(jnp.mean(weight * optax.losses.huber_loss(error, delta=kappa), axis=1)) / kappa
