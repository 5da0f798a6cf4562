"""Features all over the observation's box: waves, bumps and powers."""

from itertools import product

import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Positive, Size
from argmaxq.components.component import component
from argmaxq.networks.features.boxes import Active, Bound, Features, InBox, dense, per_entry
from argmaxq.types import Array


@component(Features)
class Fourier(InBox):
    """cos(pi c.x) for all c in {0 .. order}^n (Konidaris et al. 2011).

    Features are divided by sqrt(|c|), which is the paper's smaller step size alpha / |c| for finer waves.

    Attributes:
        order: Greatest frequency along each entry.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Fourier(order=1, low=(0.0,), high=(1.0,))(jnp.array([1.0])).value.tolist()  # cos(0), cos(pi)
        [1.0, -1.0]
    """

    order: Size = 3
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """(order + 1)^n."""
        return int((self.order + 1) ** len(self.low))

    def __call__(self, obs: Array) -> Active:
        """All waves, [count], at an observation [n]."""
        waves = all_exponents(self.order, len(self.low))
        length = np.maximum(np.linalg.norm(waves, axis=1), 1.0)
        return dense(jnp.cos(np.pi * (waves @ self.unit(obs))) / np.sqrt(length).astype(np.float32))


@component(Features)
class Radial(InBox):
    """Gaussian bumps exp(-|x - centre|^2 / (2 width^2)) on a grid of centres, which add up to 1 if normalised.

    Attributes:
        centres: Bumps along each entry; one number: as many along each.
        width: Standard deviation of a bump, in distances between neighbours.
        normalised: Divide by their sum.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Radial(centres=(2,), width=1.0, normalised=True, low=(0.0,), high=(1.0,))(jnp.array([0.5])).value.tolist()
        [0.5, 0.5]
    """

    centres: tuple[Size, ...] = (6,)
    width: Positive = 0.7
    normalised: bool = True
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """One feature for each bump.

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        return int(np.prod(per_entry(self.centres, len(self.low))))

    @property
    def shape(self) -> np.ndarray:
        """Bumps along each entry, [n].

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        return np.array(per_entry(self.centres, len(self.low)))

    @property
    def places(self) -> np.ndarray:
        """The centres [bumps, entries], in distances between neighbours."""
        return np.array(list(product(*map(range, self.shape.tolist()))), np.float32)

    def __call__(self, obs: Array) -> Active:
        """All bumps, [count], at an observation [n].

        Raises:
            UserError: ``centres`` are not one for each entry.
        """
        distance = self.unit(obs) * np.maximum(self.shape - 1, 1).astype(np.float32) - self.places
        bumps = jnp.exp(-0.5 * jnp.sum(distance**2, axis=1) / self.width**2)
        return dense(bumps / jnp.maximum(jnp.sum(bumps), 1e-30) if self.normalised else bumps)


@component(Features)
class Polynomial(InBox):
    """Products x_1^c_1 ... x_n^c_n for all c in {0 .. order}^n, of entries in [-1, 1]; order 1 includes the entries.

    Attributes:
        order: Greatest power of each entry.
        low: Least value of each entry; empty: the environment's own.
        high: Greatest value of each entry; empty: the environment's own.

    Examples:
        >>> Polynomial(order=2, low=(0.0,), high=(1.0,))(jnp.array([1.0])).value.tolist()  # entry 1: 1, 1, 1
        [1.0, 1.0, 1.0]
    """

    order: Size = 1
    low: Bound = ()
    high: Bound = ()

    @property
    def count(self) -> int:
        """(order + 1)^n."""
        return int((self.order + 1) ** len(self.low))

    def __call__(self, obs: Array) -> Active:
        """All products, [count], of powers of an observation's [n] entries."""
        entry = 2.0 * self.unit(obs) - 1.0
        powers = jnp.stack([entry**power for power in range(self.order + 1)])
        exponents = all_exponents(self.order, len(self.low)).astype(np.int32)
        return dense(jnp.prod(powers[exponents, np.arange(len(self.low))], axis=1))


def all_exponents(order: int, entries: int) -> np.ndarray:
    """All of {0 .. order}^entries, a row each: float32 [rows, entries]."""
    return np.array(list(product(range(order + 1), repeat=entries)), np.float32)
