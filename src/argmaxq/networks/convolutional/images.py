"""Pictures among observations: where their channels stand, and what their values are scaled by."""

import math

import jax.numpy as jnp

from argmaxq.components.errors import UserError
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.types import Array, ArraySpec

MOST_CHANNELS = 32
"""A first axis that is longer is none of channels."""


def channels_first(shape: tuple[int, ...]) -> bool:
    """Whether three axes are [channels, height, width]: the first is short, and shorter than the last."""
    return len(shape) == 3 and shape[0] < min(shape[1:]) and shape[0] <= MOST_CHANNELS and shape[2] > shape[0]


def channels_last(obs: Array) -> Array:
    """A picture as [height, width, channels].

    Three axes are [height, width, channels], or [channels, height, width] where the first is the shortest, so also
    [frames, height, width]; two are one channel, and four [frames, height, width, channels].

    Raises:
        UserError: it has any other number of axes.
    """
    match len(obs.shape):
        case 2:
            return obs[..., jnp.newaxis]
        case 3:
            return jnp.moveaxis(obs, 0, 2) if channels_first(obs.shape) else obs
        case 4:
            frames = jnp.moveaxis(obs, 0, 2)
            return frames.reshape(*frames.shape[:2], -1)
    raise UserError(f"a convolutional network needs pictures; these observations have the shape {tuple(obs.shape)}")


def described(shape: tuple[int, ...]) -> str:
    """How a picture's axes are read, in words."""
    match len(shape):
        case 2:
            return f"{shape[0]} x {shape[1]} pixels"
        case 4:
            return f"{shape[0]} frames of {shape[1]} x {shape[2]} pixels in {shape[3]} channels"
    first = channels_first(shape)
    channels, height, width = shape if first else (shape[2], *shape[:2])
    return f"{height} x {width} pixels in {channels} channel{'s' * (channels > 1)}{', which come first,' * first}"


def unit(spec: ArraySpec) -> float:
    """The factor that brings values to at most 1: 1/255 for the bytes of a picture, 1 for binary planes.

    It is 1 where values have no finite bound.
    """
    largest = max((abs(bound) for bound in (*spec.low[:1], *spec.high[:1], max(spec.high, default=0.0))), default=0.0)
    return 1.0 / largest if 0.0 < largest < UNBOUNDED and math.isfinite(largest) else 1.0
