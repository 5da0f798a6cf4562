"""A return's distribution over bins that stay where they are."""

import jax
import jax.numpy as jnp
from jax.scipy.special import erf

from argmaxq.components.annotations import Number, Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.roles import Returns
from argmaxq.types import Array


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
        """The Kullback-Leibler divergence [] of z [atoms] from the target, the priority of Hessel et al. (2018)."""
        return self.loss(z, target) + jnp.sum(jax.scipy.special.xlogy(target, target))

    def check(self) -> None:
        """Look whether there are returns to give a probability to.

        Raises:
            UserError: there is no range, or there are no two returns.
        """
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

    A return of 0.25 on a support of 0, 1 and 2 is a share of three quarters at 0 and of a quarter at 1:

    Examples:
        >>> c51 = Categorical(atoms=3, low=0.0, high=2.0)
        >>> c51.target(jnp.float32(0.25), jnp.float32(0.0), jnp.zeros(3)).tolist()
        [0.75, 0.25, 0.0]
        >>> float(c51.mean(jnp.zeros(3)))
        1.0
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

    Examples:
        >>> bins = HLGauss(atoms=2, low=-1.0, high=1.0)
        >>> bins.support.tolist()
        [-0.5, 0.5]
        >>> bins.target(jnp.float32(0.0), jnp.float32(1.0), jnp.zeros(2)).tolist()
        [0.5, 0.5]
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
