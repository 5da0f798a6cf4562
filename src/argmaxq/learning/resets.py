"""Networks that begin anew now and then."""

from typing import Any

import jax.numpy as jnp

from argmaxq.components.annotations import Count
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.types import PyTree


@component("resets")
class Resets:
    """Fresh parameters now and then, against what was learnt too well early on (Nikishin et al. 2022).

    Target and averaged parameters become copies of them, the optimiser's state is as at first; experience and running
    scales stay. What is due comes at the end of the call of learn in which the period is over.

    Attributes:
        period: Gradient updates between two resets.
        layers: Names of the layers that begin anew, such as output; empty: all.
    """

    period: Count = 20_000
    layers: tuple[str, ...] = ()

    def due(self, before: Any, now: Any) -> Any:
        """Whether a period was over between these numbers of updates."""
        period = jnp.maximum(self.period, 1)
        return now // period > before // period

    def renewed(self, params: PyTree, fresh: PyTree) -> PyTree:
        """``params`` with the chosen layers of ``fresh``.

        Raises:
            UserError: a layer is chosen that there is not.
        """
        if not self.layers:
            return fresh
        known = sorted(params) if isinstance(params, dict) else []
        if unknown := [name for name in self.layers if name not in known]:
            names = f"the network has {', '.join(known)}" if known else "only all of this network's can begin anew"
            raise UserError(f"agent.resets.layers = {unknown[0]}: {names}")
        return {**params, **{name: fresh[name] for name in self.layers}}
