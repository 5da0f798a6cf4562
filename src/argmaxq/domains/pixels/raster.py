"""CartPole's screen, cropped and made small, as a function of position and angle: what Gymnasium draws, in JAX.

Gymnasium fills cart, pole and axle pixel by pixel on a screen of 600 x 400, and a bilinear resize weighs these with
triangles as wide as the scale asks for. Here each row of the screen holds an interval of each shape, with the pixels of
Gymnasium's smoothed edges as parts of one. Its integral under a column's triangle is known in closed form, and a pixel
is the weighted sum of the screen's rows under its own. Heights are counted upwards, as Gymnasium draws before it turns
the screen.
"""

import dataclasses
from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from argmaxq.types import Array

SCREEN_WIDTH, SCREEN_HEIGHT = 600, 400
PIXELS_PER_METRE = 125.0
TOP, BOTTOM = 160, 320
"""Rows of the screen that are kept, 40 to 80 %: the first, and the first no more."""
TRACK = 100
"""Height of the track, a line over everything, and of the cart's middle."""
JOINT = TRACK + 7.5
CART, AXLE = range(TRACK - 15, TRACK + 16), range(102, 113)
"""Heights of the cart and of the disc around the joint."""
CART_X = 25.0
"""Half the cart's width."""
POLE = np.array([(-5, -5), (-5, 120), (5, 120), (5, -5)], np.float32)
"""Corners of the upright pole from the joint on."""
AXLE_WIDTHS = np.array([3.96, 7, 9, 11, 11, 11, 11, 11, 9, 7, 3.96], np.float32)
"""Widths of the disc's rows, of which the first and the last are smoothed."""
WHITE, CART_COLOUR, POLE_COLOUR, AXLE_COLOUR = (255, 255, 255), (0, 0, 0), (202, 152, 101), (129, 132, 203)
GREY = np.array([0.299, 0.587, 0.114])
"""Red, green and blue in luma (ITU-R BT.601)."""

Interval = tuple[Array, Array]
"""Left and right edge on the screen."""


def triangles(size: int, parts: int) -> np.ndarray:
    """Weights [parts, size] of a bilinear resize from ``size`` pixels to fewer: triangles cut off at the borders."""
    scale = size / parts
    distance = (np.arange(size) + 0.5) - (np.arange(parts)[:, np.newaxis] + 0.5) * scale
    weights = np.maximum(1 - np.abs(distance) / scale, 0)
    return weights / weights.sum(axis=1, keepdims=True)


class Taps(NamedTuple):
    """Rows of the screen under each row of a picture, [taps, rows]: their heights and weights.

    ``track`` [rows] is the weight of the track, which hides all else.
    """

    heights: np.ndarray
    weights: np.ndarray
    track: np.ndarray

    def part(self, rows: slice) -> "Taps":
        """Some of the rows."""
        return Taps(*(leaf[..., rows] for leaf in self))

    def covered(self, shape: Interval, columns: int) -> Array:
        """How much of each pixel's triangle is covered by a shape, intervals [taps, rows]: [rows, columns]."""
        left, right = shape
        whole = before(np.float32(SCREEN_WIDTH), columns) - before(np.float32(0), columns)
        total = jnp.float32(0)
        for tap, weight in enumerate(self.weights):
            total += weight[:, np.newaxis] * (before(right[tap], columns) - before(left[tap], columns))
        return total / whole


@cache
def taps(parts: int) -> Taps:
    """Those of a picture with ``parts`` rows."""
    weights = triangles(BOTTOM - TOP, parts)
    count = int((weights > 0).sum(axis=1).max())
    first = np.minimum(np.argmax(weights > 0, axis=1), BOTTOM - TOP - count)
    rows = first + np.arange(count)[:, np.newaxis]
    heights = (SCREEN_HEIGHT - 1 - TOP - rows).astype(np.float32)
    weights = np.take_along_axis(weights.T, rows, axis=0).astype(np.float32)
    track = np.where(heights == TRACK, weights, 0)
    return Taps(heights, weights - track, track.sum(axis=0))


@dataclasses.dataclass(frozen=True)
class Raster:
    """Pictures of ``height`` x ``width``, grey or in colour, with levels from 0 to 255."""

    height: int = 40
    width: int = 90
    colour: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a picture: [height, width], in colour [height, width, 3]."""
        return (self.height, self.width, 3) if self.colour else (self.height, self.width)

    def __call__(self, position: Array, angle: Array) -> Array:
        """The picture of a cart's position [m] and a pole's angle [rad], scalars: float32 of ``shape``."""
        middle = position * np.float32(PIXELS_PER_METRE) + np.float32(SCREEN_WIDTH / 2)
        corners, rows = pole_corners(middle, angle), taps(self.height)
        first = int(np.argmax(np.any(rows.heights < CART.stop, axis=0)))
        upper, lower = rows.part(slice(0, first)), rows.part(slice(first, self.height))
        pole, axle = pole_rows(corners, lower.heights), axle_rows(middle, lower.heights)
        cart = cart_rows(middle, lower.heights)
        above = upper.covered(pole_rows(corners, upper.heights), self.width)
        below = [lower.covered(each, self.width) for each in (pole, cart, both(pole, cart), both(pole, axle), axle)]
        channels = [
            jnp.concatenate([_painted(upper, colours, above), _painted(lower, colours, *below)])
            for colours in zip(*map(self._levels, (WHITE, POLE_COLOUR, AXLE_COLOUR)), strict=True)
        ]
        return jnp.stack(channels, axis=-1) if self.colour else channels[0]

    def _levels(self, colour: tuple[int, int, int]) -> tuple[float, ...]:
        """A colour's level in each channel."""
        return tuple(map(float, colour)) if self.colour else (float(GREY @ colour),)


def _painted(
    rows: Taps,
    colours: tuple[float, float, float],
    pole: Array,
    cart: Array | float = 0.0,
    pole_on_cart: Array | float = 0.0,
    axle_on_pole: Array | float = 0.0,
    axle: Array | float = 0.0,
) -> Array:
    """A channel of some rows: white but for the track, with the black cart, the pole over it, the axle over both."""
    white, pole_level, axle_level = colours
    paper = white * (1 - rows.track)[:, np.newaxis]
    drawn = paper - white * (cart - pole_on_cart) - (white - pole_level) * pole
    return drawn - pole_level * axle_on_pole + axle_level * axle


def before(edge: Array, columns: int) -> Array:
    """How much of the triangle of each of ``columns`` lies left of an edge [...] on the screen: [..., columns].

    Half a triangle is left out, which no difference sees.
    """
    scaled = edge * np.float32(columns / SCREEN_WIDTH)
    at = scaled[..., np.newaxis] - (np.arange(columns, dtype=np.float32) + np.float32(0.5))
    at = at.clip(-1, 1)
    return at * (1 - np.float32(0.5) * abs(at))


def both(one: Interval, other: Interval) -> Interval:
    """What two intervals have in common; nothing is an interval without length."""
    left = jnp.maximum(one[0], other[0])
    return left, jnp.maximum(left, jnp.minimum(one[1], other[1]))


def cart_rows(middle: Array, heights: np.ndarray) -> Interval:
    """The cart in rows of these heights [...]."""
    inside = (heights >= CART.start) & (heights < CART.stop)
    left, right = jnp.trunc(middle - CART_X), jnp.trunc(middle + CART_X) + 1
    return jnp.where(inside, left, 0), jnp.where(inside, right, 0)


def axle_rows(middle: Array, heights: np.ndarray) -> Interval:
    """The disc around the joint in rows of these heights [...]."""
    inside = (heights >= AXLE.start) & (heights < AXLE.stop)
    row = np.where(inside, heights - AXLE.start, 0).astype(int)
    half = np.where(inside, AXLE_WIDTHS[row] / 2, 0)
    centre = jnp.trunc(middle) + np.float32(0.5)
    return centre - half, centre + half


def pole_corners(middle: Array, angle: Array) -> tuple[Array, Array]:
    """Places and heights [4] of the pole's corners, which Gymnasium puts on whole pixels."""
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    x, y = POLE.T
    return jnp.trunc(x * cos + y * sin + middle), jnp.trunc(y * cos - x * sin + np.float32(JOINT))


def pole_rows(corners: tuple[Array, Array], heights: np.ndarray) -> Interval:
    """The pole in rows of these heights [...]."""
    x, y = corners
    sides = [_side(x[a], y[a], x[b], y[b], heights) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
    lefts, rights = zip(*sides, strict=True)
    left, right = jnp.min(jnp.stack(lefts), axis=0), jnp.max(jnp.stack(rights), axis=0)
    return jnp.where(left < right, left, 0), jnp.where(left < right, right, 0)


def _side(x1: Array, y1: Array, x2: Array, y2: Array, heights: np.ndarray) -> Interval:
    """Left and right edge of a polygon's side in each row; crossed where it does not reach.

    A polygon is filled from the nearest pixel on, and the two next to the side are drawn as strong as they are near:
    in a row those to the left and right of a steep side, and the many above and below a flat one.
    """
    slope = (x2 - x1) / jnp.where(y2 == y1, 1, y2 - y1)
    at = x1 + (heights - y1) * slope
    crosses = (y2 != y1) & (heights >= jnp.minimum(y1, y2)) & (heights <= jnp.maximum(y1, y2))
    near = at - jnp.floor(at) < 0.5
    around = (jnp.abs(slope) - 1) / 2
    steep = around <= 0
    left = jnp.where(steep, jnp.where(near, jnp.floor(at), at), jnp.maximum(at - around, jnp.minimum(x1, x2)))
    right = jnp.where(steep, jnp.where(near, at, jnp.ceil(at)), jnp.minimum(at + around, jnp.maximum(x1, x2)))
    return jnp.where(crosses, left, np.inf), jnp.where(crosses, right + 1, -np.inf)
