"""Pictures among observations: where their channels stand, and what their values are scaled by."""

import math
from typing import NamedTuple

import jax.numpy as jnp

from argmaxq.components.errors import UserError
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.spaces import ArraySpec
from argmaxq.types import Array

MOST_CHANNELS = 32
"""A first axis that is longer is none of channels."""

SMALLEST = 8
"""Pixels along a side from which an array is taken for a picture."""


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


def sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a picture."""
    match len(shape):
        case 4:
            return shape[1], shape[2]
        case 3 if channels_first(shape):
            return shape[1], shape[2]
    return shape[0], shape[1]


def is_picture(spec: ArraySpec) -> bool:
    """Whether an observation looks like one: at least 8 x 8, and in channels, or of bytes."""
    axes = len(spec.shape)
    if spec.parts:
        return view(spec) is not None
    return 2 <= axes <= 4 and min(sides(spec.shape)) >= SMALLEST and (axes > 2 or spec.dtype in ("uint8", "int8"))


class View(NamedTuple):
    """Where a picture lies in flat observations, and its shape."""

    start: int
    shape: tuple[int, ...]

    def picture(self, obs: Array) -> Array:
        """The picture of one observation [entries]."""
        return obs[self.start : self.start + math.prod(self.shape)].reshape(self.shape)

    def others(self, obs: Array) -> Array:
        """All else of it."""
        return jnp.concatenate([obs[: self.start], obs[self.start + math.prod(self.shape) :]])


def view(spec: ArraySpec) -> tuple[View, float] | None:
    """Where the largest picture of an observation of several parts lies, and its scale; None of any other."""
    pictures = [part for part in spec.parts if is_picture(ArraySpec(part.shape, part.dtype))]
    if not pictures:
        return None
    chosen = max(pictures, key=lambda part: part.entries)
    start = sum(part.entries for part in spec.parts[: spec.parts.index(chosen)])
    return View(start, chosen.shape), 1.0 / chosen.largest if chosen.largest else 1.0


def advice(shape: tuple[int, ...]) -> str:
    """What makes a picture smaller, in words."""
    grey = "GrayscaleObservation(env), " if len(shape) == 3 and 3 in (shape[0], shape[2]) else ""
    return f"gymnasium.wrappers.{grey}ResizeObservation(env, (84, 84))"


def unit(spec: ArraySpec) -> float:
    """The factor that brings values to at most 1: 1/255 for the bytes of a picture, 1 for binary planes.

    It is 1 where values have no finite bound.
    """
    largest = max((abs(bound) for bound in (*spec.low[:1], *spec.high[:1], max(spec.high, default=0.0))), default=0.0)
    return 1.0 / largest if 0.0 < largest < UNBOUNDED and math.isfinite(largest) else 1.0
