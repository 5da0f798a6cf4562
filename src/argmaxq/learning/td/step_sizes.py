"""Step sizes of agents that learn from each row as it comes."""

from typing import Any, Protocol, TypeAlias

import jax
import jax.numpy as jnp

from argmaxq.components.adoption import adopts
from argmaxq.components.annotations import Fraction, NonNegative, Positive
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.schedules import Constant, StepSizes
from argmaxq.learning.schedules import adopt as schedule
from argmaxq.learning.values import entry
from argmaxq.types import Array, Clock, Metrics, PyTree


class StepSize(Protocol):
    """Alpha of each update."""

    def init(self, network: Any, params: PyTree) -> PyTree:
        """What it keeps; raises UserError for a network that it does not suit."""

    def size(self, state: PyTree, network: Any, obs: Array, action: Array, clock: Clock) -> Array:
        """Alpha, [], for the value of an action [] in a state [...]."""

    def seen(self, state: PyTree, network: Any, obs: Array, action: Array, count: Array) -> PyTree:
        """What it keeps after ``count`` (0 or 1, []) updates of the value of an action [] in a state [...]."""

    def bounded(self, size: Array, error: Array, trace: PyTree) -> Array:
        """Alpha, [], in view of the error [] and the trace it is to be multiplied by."""


StepSizeLike: TypeAlias = StepSize | Any
"""A step size, or a number, which is taken for a constant one."""


class _Plain:
    """Keeps nothing and bounds nothing."""

    def init(self, network: Any, params: PyTree) -> PyTree:
        """Nothing is kept."""
        return ()

    def seen(self, state: PyTree, network: Any, obs: Array, action: Array, count: Array) -> PyTree:
        """Nothing is kept of an action [] in a state [...]."""
        return state

    def bounded(self, size: Array, error: Array, trace: PyTree) -> Array:
        """Alpha [] as it is, whatever the error []."""
        return size

    def report(self, state: PyTree, clock: Clock) -> Metrics:
        """Nothing to show."""
        return {}


@component(StepSize)
class Scheduled(_Plain):
    """The same for all values: a constant, or by a schedule.

    Attributes:
        alpha: The step size; with n active features of value 1, alpha / n of the error goes to each.
    """

    shorthand = "alpha"
    alpha: StepSizes = Constant(0.1)

    def size(self, state: PyTree, network: Any, obs: Array, action: Array, clock: Clock) -> Array:
        """Alpha, [], now, for any action [] in any state [...]."""
        return self.alpha(clock)

    def report(self, state: PyTree, clock: Clock) -> Metrics:
        """The present step size."""
        return {"step_size": self.alpha(clock)}


@adopts(StepSize)
def adopt(value: Any) -> Any:
    """The step size that a plain number is taken for, the same for all values at all times; None for anything else."""
    constant = schedule(value)
    return None if constant is None else Scheduled(constant)


@component(StepSize)
class VisitCount(_Plain):
    """initial (scale / (scale + n - 1))^power at the n-th update of a table's entry.

    With initial, scale and power 1 it is 1 / n, which makes averages; powers above 1/2 and at most 1 let Q-learning
    converge (Watkins and Dayan 1992).

    Attributes:
        initial: Alpha of the first update of each entry.
        scale: Updates over which it stays about the same.
        power: How fast it falls after that.
        least: It does not fall below this.
    """

    initial: Fraction = 1.0
    scale: Positive = 1.0
    power: Fraction = 1.0
    least: NonNegative = 0.0

    def init(self, network: Any, params: PyTree) -> PyTree:
        """Counts of 0, in the shape of the table.

        Raises:
            UserError: the network is no table.
        """
        if not hasattr(network, "cells"):
            raise UserError("agent.step_size = visit-count counts a table's entries; other networks need scheduled")
        return jax.tree.map(jnp.zeros_like, params)

    def size(self, state: PyTree, network: Any, obs: Array, action: Array, clock: Clock) -> Array:
        """Alpha, [], by how often the action [] was learnt about in the state [...]."""
        return self._after(self._before(state, network, obs, action))

    def report(self, state: PyTree, clock: Clock) -> Metrics:
        """Share of a table's entries that were ever updated, and the mean of the step sizes that these have now."""
        (counts,) = jax.tree.leaves(state)
        visited = counts > 0
        total = jnp.sum(visited)
        mean = jnp.sum(jnp.where(visited, self._after(counts), 0.0)) / total
        return {"step_size": mean, "visited": total / counts.size}

    def seen(self, state: PyTree, network: Any, obs: Array, action: Array, count: Array) -> PyTree:
        """The counts, ``count`` [] more for this action [] in this state [...]."""
        # float32 counts no further; and a write that waits for what is read spares a copy of the table.
        more = self._before(state, network, obs, action) < 2**24
        return network.moved(state, obs, action, jnp.where(more, count, 0.0))

    def _after(self, updates: Array) -> Array:
        """Alpha of an entry that was updated so many times."""
        return jnp.maximum(self.least, self.initial * (self.scale / (self.scale + updates)) ** self.power)

    def _before(self, state: PyTree, network: Any, obs: Array, action: Array) -> Array:
        return entry(network(state, obs)[:, 0], action)


@component(StepSize)
class OvershootBounded(_Plain):
    """ObGD: alpha / max(1, alpha kappa max(|error|, 1) |z|_1) (Elsayed et al. 2024, algorithm 3).

    No update then changes a value by much more than its error.

    Attributes:
        alpha: The greatest step size.
        kappa: How strongly steps are bounded.

    Examples:
        >>> bounded = OvershootBounded(alpha=1.0, kappa=2.0).bounded
        >>> float(bounded(jnp.float32(1.0), jnp.float32(1.0), jnp.array([1.5, -0.5])))  # 1 / (1 * 2 * 1 * 2)
        0.25
    """

    alpha: Positive = 1.0
    kappa: Positive = 2.0

    def size(self, state: PyTree, network: Any, obs: Array, action: Array, clock: Clock) -> Array:
        """Alpha, [], for any action [] in any state [...], before it is bounded."""
        return jnp.asarray(self.alpha, jnp.float32)

    def bounded(self, size: Array, error: Array, trace: PyTree) -> Array:
        """Alpha, [], so small that the update does not overshoot an error [] by more than ``kappa`` allows."""
        length = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(trace))
        return size / jnp.maximum(1.0, size * self.kappa * jnp.maximum(jnp.abs(error), 1.0) * length)
