"""Gradients of means over samples, accumulated over microbatches where a network is quicker with fewer at once."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.roles import CopyingNetwork
from argmaxq.types import Array, PyTree

Loss = Callable[[PyTree, PyTree], tuple[Array, PyTree]]
"""(parameters, samples [n, ...]) -> (a mean over the samples [], more: other means [], or each sample's own [n])."""

Found = tuple[tuple[Array, PyTree], PyTree]
"""((mean loss [], more), gradient)."""


def accumulated(agent: Any, loss: Loss, params: PyTree, samples: PyTree, keys: Any = None) -> Found:
    """What a step of gradient descent needs of ``loss`` over samples [n, ...], all at once if they share ``keys``."""
    differentiate, count = jax.value_and_grad(loss, has_aux=True), len(jax.tree.leaves(samples)[0])
    network = getattr(agent, "network", None)
    size = network.microbatch(count) if keys is None and isinstance(network, CopyingNetwork) else count
    if size == count:
        return differentiate(params, samples)

    def add(total: PyTree, part: PyTree) -> tuple[PyTree, tuple[Array, PyTree]]:
        found, gradient = differentiate(params, part)
        return jax.tree.map(jnp.add, total, gradient), found

    parts = jax.tree.map(lambda leaf: leaf.reshape(-1, size, *leaf.shape[1:]), samples)
    total, found = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return jax.tree.map(_together, found), jax.tree.map(lambda leaf: leaf * (size / count), total)


def _together(parts: Array) -> Array:
    """Means [k] of parts as one, or what is the samples' own, [k, size], in a row."""
    return jnp.mean(parts) if parts.ndim == 1 else parts.reshape(-1, *parts.shape[2:])
