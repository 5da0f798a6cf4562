"""How the target network follows the online one, counted in gradient updates."""

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Count, Fraction
from argmaxq.components.component import component
from argmaxq.roles import Sync
from argmaxq.types import Array, PyTree


@component(Sync)
class Periodic:
    """A copy of the online parameters every ``period`` gradient updates (Mnih et al. 2015).

    Attributes:
        period: Gradient updates between two copies.
    """

    period: Count = 500

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        due = update % jnp.maximum(self.period, 1) == 0
        return jax.tree.map(lambda old, new: jnp.where(due, new, old), target, params)


@component(Sync)
class Polyak:
    """target += tau * (params - target) after every gradient update (Lillicrap et al. 2016).

    Attributes:
        tau: Share of the online parameters taken over at each update; 1 copies them.
    """

    tau: Fraction = 0.005

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        return jax.tree.map(lambda old, new: (1.0 - self.tau) * old + self.tau * new, target, params)


@component(Sync)
class Online:
    """No target network: the target is always the online network."""

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        return params
