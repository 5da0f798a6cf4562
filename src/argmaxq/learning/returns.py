"""How a return is represented by a network's outputs, and the loss that fits it to a target."""

from typing import ClassVar, Protocol

import jax
import jax.numpy as jnp
import optax
from jax.scipy.special import erf

from argmaxq.components.annotations import Number, Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.roles import Returns
from argmaxq.types import Array


class RegressionLoss(Protocol):
    """Loss of one error."""

    def __call__(self, error: Array) -> Array: ...


@component(RegressionLoss)
class Squared:
    """1/2 error^2, whose gradient is the error itself."""

    def __call__(self, error: Array) -> Array:
        return 0.5 * jnp.square(error)


@component(RegressionLoss)
class Huber:
    """Squared for small errors, linear for large ones (Huber 1964): the clipped error of Mnih et al. 2015.

    Attributes:
        delta: Errors beyond it count linearly.
    """

    delta: Positive = 1.0

    def __call__(self, error: Array) -> Array:
        return optax.losses.huber_loss(error, delta=self.delta)


@component(Returns)
class Scalar:
    """A return's expectation as one number: outputs z [1].

    Attributes:
        error: Loss of the difference between value and target.
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
        """reward + discount * z, a scalar."""
        return reward + discount * z[0]

    def loss(self, z: Array, target: Array) -> Array:
        """Regression loss of z [1] against a scalar target."""
        return self.error(z[0] - target)

    def td_error(self, z: Array, target: Array) -> Array:
        """target - z, a scalar."""
        return target - z[0]


class Histogram:
    """Probabilities of returns that stand in a row: outputs are logits, the loss is the cross entropy."""

    atoms: int
    low: float
    high: float

    @property
    def size(self) -> int:
        """One logit for each return."""
        return self.atoms

    @property
    def support(self) -> Array:
        """The returns [atoms] that have a probability each."""
        raise NotImplementedError

    def mean(self, z: Array) -> Array:
        """z [..., atoms] -> [...]."""
        return jnp.sum(jax.nn.softmax(z) * self.support, axis=-1)

    def mixture(self, z: Array, weights: Array) -> Array:
        """Logits [atoms] of the weighted sum of the probabilities of z [actions, atoms]."""
        return jnp.log(weights @ jax.nn.softmax(z))

    def loss(self, z: Array, target: Array) -> Array:
        """Cross entropy of logits z [atoms] and target probabilities [atoms]."""
        return -jnp.sum(target * jax.nn.log_softmax(z))

    def td_error(self, z: Array, target: Array) -> Array:
        """The Kullback-Leibler divergence of z from the target, the priority of Hessel et al. (2018)."""
        return self.loss(z, target) + jnp.sum(jax.scipy.special.xlogy(target, target))

    def check(self) -> None:
        """Raise UserError where there is no range or no two returns."""
        if self.low >= self.high:
            raise UserError(f"low = {self.low:g} is not below high = {self.high:g}: they bound the (scaled) returns")
        if self.atoms < 2:
            raise UserError(f"atoms = {self.atoms}: at least 2 are needed")


@component(Returns)
class Categorical(Histogram):
    """C51: returns ``low`` to ``high`` in equal steps (Bellemare et al. 2017).

    The target's returns are moved by reward and discount and shared among their neighbours, algorithm 1 there.

    Attributes:
        atoms: How many returns have a probability.
        low: The least return, as it is learnt, after scaling.
        high: The greatest.
    """

    atoms: Size = 51
    low: Number = -10.0
    high: Number = 10.0

    @property
    def support(self) -> Array:
        """Returns [atoms] from ``low`` to ``high``, both included."""
        return self.low + (self.high - self.low) * self._shares

    @property
    def _shares(self) -> Array:
        return jnp.arange(self.atoms) / (self.atoms - 1)

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """Probabilities [atoms] of reward + discount * Z, projected on the support."""
        moved = jnp.clip(reward + discount * self.support, self.low, self.high)
        # Where a return lies, counted in atoms: the nearer of two neighbours gets the larger share.
        place = (moved - self.low) / (self.high - self.low) * (self.atoms - 1)
        share = jnp.clip(1.0 - jnp.abs(place[:, jnp.newaxis] - jnp.arange(self.atoms)), 0.0, 1.0)
        return jax.nn.softmax(z) @ share


@component(Returns)
class HLGauss(Histogram):
    """A number learnt by classification: the target is a Gaussian around it, as bins of a histogram.

    Imani and White (2018); with deep reinforcement learning Farebrother et al. (2024).

    Attributes:
        atoms: Bins.
        low: The first bin's lower edge, of returns as they are learnt, after scaling.
        high: The last bin's upper edge.
        spread: The Gaussian's standard deviation in bins.
    """

    atoms: Size = 51
    low: Number = -10.0
    high: Number = 10.0
    spread: Positive = 0.75

    @property
    def support(self) -> Array:
        """The middles [atoms] of the bins."""
        edges = self._edges
        return (edges[1:] + edges[:-1]) / 2

    @property
    def _edges(self) -> Array:
        return self.low + (self.high - self.low) * jnp.arange(self.atoms + 1) / self.atoms

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """Probabilities [atoms] of the Gaussian around reward + discount * mean(z), within the range."""
        centre = jnp.clip(reward + discount * self.mean(z), self.low, self.high)
        deviation = self.spread * (self.high - self.low) / self.atoms
        below = erf((self._edges - centre) / (jnp.sqrt(2.0) * deviation))
        return (below[1:] - below[:-1]) / (below[-1] - below[0])


@component(Returns)
class Quantile:
    """QR-DQN: quantiles of the return at equally spaced levels (Dabney et al. 2018).

    Attributes:
        quantiles: How many.
        kappa: Differences beyond it count linearly.
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
        """The difference of the means."""
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
        """The difference of the means."""
        return jnp.mean(target) - self.mean(z)


def even_levels(count: int) -> Array:
    """The middles [count] of equal parts of [0, 1] (Dabney et al. 2018, Distributional RL with Quantile Regression)."""
    return (jnp.arange(count) + 0.5) / count


def quantile_regression(z: Array, levels: Array, target: Array, kappa: Array) -> Array:
    """Huber's quantile loss of quantiles z [n] at their levels [n]: its mean over targets [m], summed over levels."""
    error = target[jnp.newaxis] - z[:, jnp.newaxis]
    weight = jnp.abs(levels[:, jnp.newaxis] - (error < 0))
    return jnp.sum(jnp.mean(weight * optax.losses.huber_loss(error, delta=kappa), axis=1)) / kappa
