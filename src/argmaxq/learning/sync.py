"""How a target network, or an average, follows the online parameters, counted in gradient updates."""

from typing import Annotated

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Count, Fraction, Suits
from argmaxq.components.component import component
from argmaxq.roles import Sync
from argmaxq.types import Array, PyTree


@component(Sync)
class Periodic:
    """A copy of the online parameters every ``period`` gradient updates (Mnih et al. 2015).

    Attributes:
        period: Gradient updates between two copies.

    Examples:
        >>> sync = Periodic(period=2)
        >>> [float(sync(jnp.float32(0.0), jnp.float32(8.0), update)) for update in (1, 2, 3)]
        [0.0, 8.0, 0.0]
    """

    period: Count = 500

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        """``params`` after each ``period`` gradient updates, else the target; ``update`` [] counts them from 1 on."""
        due = update % jnp.maximum(self.period, 1) == 0
        return jax.tree.map(lambda old, new: jnp.where(due, new, old), target, params)


@component(Sync)
class Polyak:
    """target += tau * (params - target) after every gradient update (Lillicrap et al. 2016).

    Attributes:
        tau: Share of the online parameters taken over at each update; 1 copies them.

    Examples:
        >>> float(Polyak(tau=0.25)(jnp.float32(0.0), jnp.float32(8.0), 1))
        2.0
    """

    tau: Fraction = 0.005

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        """(1 - tau) * target + tau * params, whichever ``update`` [] it is."""
        return jax.tree.map(lambda old, new: (1.0 - self.tau) * old + self.tau * new, target, params)


@component(Sync)
class Online:
    """No target network: the target is always the online network."""

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        """The parameters themselves, whichever ``update`` [] it is."""
        return params


Averaging = Annotated[Sync, Suits(Polyak(1e-3))]
"""How an average of the online parameters follows them: by Polyak, its weights fall exponentially with age."""
