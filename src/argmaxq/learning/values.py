"""Reading action values."""

import jax.numpy as jnp

from argmaxq.types import Array


def entry(outputs: Array, action: Array) -> Array:
    """What belongs to one action [...] among ``outputs`` [actions, ...].

    It is a sum because XLA reads a table again wherever a mere slice of it is used, and copies all of a table that may
    be read after the next write to it; and because its gradient is no scatter.
    """
    own = jnp.arange(outputs.shape[0]) == action
    return jnp.sum(jnp.where(own.reshape(-1, *[1] * (outputs.ndim - 1)), outputs, 0.0), axis=0)
