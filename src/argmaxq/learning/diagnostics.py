"""How a learner is doing, in numbers that papers have names for; docs/diagnostics.md says what is healthy."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from argmaxq.components.component import component
from argmaxq.roles import Gauge
from argmaxq.types import Array, Clock, Metrics, PyTree

DORMANT = 0.025
"""Share of its layer's mean activation up to which a unit is dormant."""
ALIKE = 1e-10
"""Share of features' squares up to which their differences are rounding."""
QUANTILES = (10, 50, 90)
"""Per cent."""


def dormant_share(layers: Sequence[Array]) -> Array:
    """Share of units whose mean |activation| is at most ``DORMANT`` times that of their layer (Sokar et al. 2023).

    Args:
        layers: Activations [batch, width] of each hidden layer.

    Examples:
        >>> float(dormant_share([jnp.array([[0.0, 2.0], [0.0, 4.0]])]))
        0.5
    """
    means = [jnp.mean(jnp.abs(layer), axis=0) for layer in layers]
    dormant = sum(jnp.sum(mean <= DORMANT * jnp.mean(mean)) for mean in means)
    return dormant / sum(mean.size for mean in means)


def effective_rank(features: Array) -> Array:
    """Over how many directions the features [batch, width] of states spread; 0 where all are alike.

    The participation ratio (sum v)^2 / sum v^2 of their covariance's eigenvalues v (Gao et al. 2017), which takes
    products alone: LAPACK's singular values, as Kumar et al. (2021) count them, take longer than an update.

    Examples:
        >>> float(effective_rank(jnp.array([[1.0, 0.0], [-1.0, 0.0]])))
        1.0
    """
    apart = features - jnp.mean(features, axis=0)
    products = apart @ apart.T
    spread = jnp.trace(products)
    ratio = jnp.square(spread) / jnp.maximum(jnp.sum(jnp.square(products)), 1e-30)
    return jnp.where(spread > ALIKE * jnp.sum(jnp.square(features)), ratio, 0.0)


def churn(before: Array, after: Array) -> Array:
    """Share of states whose preferred action differs between preferences [batch, actions] (Schaul et al. 2022)."""
    return jnp.mean(jnp.argmax(before, axis=1) != jnp.argmax(after, axis=1))


def td_error_quantiles(td_error: Array, weight: Array) -> Metrics:
    """Quantiles of |TD error| over the samples [batch] that have a weight, between the two nearest; NaN of none."""
    sizes = jnp.sort(jnp.where(weight > 0, jnp.abs(td_error), jnp.nan))  # NaN comes last
    place = jnp.array(QUANTILES) / 100 * (jnp.sum(weight > 0) - 1)
    below = jnp.floor(place).astype(jnp.int32)
    low, high = sizes[below], sizes[jnp.minimum(below + 1, len(sizes) - 1)]
    found = jnp.where(place > below, low + (place - below) * (high - low), low)
    return {f"td_error_{quantile}": found[number] for number, quantile in enumerate(QUANTILES)}


def distance(target: PyTree, params: PyTree) -> Array:
    """How far the target network is from the online one, as a share of the latter's norm, []."""
    return optax.tree.norm(optax.tree.sub(target, params)) / optax.tree.norm(params)


@component(Gauge)
class ParameterNorm:
    """The norm of all parameters: growing without end, it takes plasticity with it (Lyle et al. 2024)."""

    def __call__(self, agent: Any, learner: Any, clock: Clock, key: jax.Array) -> Metrics:
        return {"parameter_norm": optax.tree.norm(learner.params)}


class Watch(NamedTuple):
    """An optimiser's state, and how large the newest gradient was.

    Attributes:
        state: The watched optimiser's own.
        norm: Global norm [] of the gradient that it was given last, before clipping.
    """

    state: PyTree
    norm: Array


class Watched:
    """An optimiser whose state is a ``Watch`` of another one's."""

    def __init__(self, optimiser: Any) -> None:
        self._optimiser = optimiser

    def init(self, params: PyTree) -> Watch:
        """That of the other one, before any gradient."""
        return Watch(self._optimiser.init(params), jnp.float32(0))

    def update(self, gradient: PyTree, state: Watch, params: PyTree, clock: Clock) -> tuple[PyTree, Watch]:
        """The other one's step."""
        params, own = self._optimiser.update(gradient, state.state, params, clock)
        return params, Watch(own, optax.tree.norm(gradient))


def norms(optimisers: PyTree) -> list[Array]:
    """The gradients' norms [] in states of watched optimisers."""
    return [each.norm for each in jax.tree.leaves(optimisers, is_leaf=_is_watch) if _is_watch(each)]


def _is_watch(value: Any) -> bool:
    return isinstance(value, Watch)
