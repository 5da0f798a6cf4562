"""From pictures to what an agent sees of them; all of it on NumPy's and on JAX's arrays."""

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.types import Array

WHITEST = 127
"""The level of white, so that a difference of two levels is an int8."""


def levels(picture: Array) -> Array:
    """A picture of levels 0 to 255 as int8 from 0 to 127."""
    return (picture * np.float32(WHITEST / 255)).round().astype(np.int8)


def differences(frames: Array) -> Array:
    """Each frame [count, ...], the newest first, minus the one before: [count - 1, ...]."""
    return frames[:-1] - frames[1:]


def newest_and_differences(frames: Array) -> Array:
    """How dark the newest of the frames [count, ...] is, and their differences: [count, ...]."""
    xp = jnp if isinstance(frames, jax.Array) else np
    return xp.concatenate([np.int8(WHITEST) - frames[:1], differences(frames)])
