"""What encoders are made of: convolutions, normalisation, pooling, and blocks of these, in any form."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import lax

from argmaxq.components.errors import UserError
from argmaxq.networks.layers import singular_value
from argmaxq.types import Array, PyTree

Start = Literal["fan-in", "he", "lecun", "xavier"]
"""First weights: uniform within 1/sqrt(inputs), biases too, as in DQN; normal, by He, LeCun or Glorot, biases 0."""
Padding = Literal["valid", "same", "one"]
"""Nothing round a map, as much as keeps its size at stride 1, or one pixel on each side."""
Pads = tuple[tuple[int, int], tuple[int, int]]
POWER_ITERATIONS = 8


class Shape(NamedTuple):
    """Of one map."""

    height: int
    width: int
    channels: int


class Form(Protocol):
    """How maps lie in memory, height and width being axes 1 and 2, and how they are convolved."""

    @property
    def channel(self) -> int:
        """The axis of the channels."""

    def convolved(self, x: Array, kernel: Array, copies: PyTree, stride: int | None, pads: Pads) -> Array:
        """Maps x, convolved with a kernel [height, width, channels, features], in float32.

        Without a stride the kernel covers the map, and there is one place for it.

        ``copies`` is what ``copied`` makes of the kernel, or None where nobody has made it.
        """

    def copied(self, kernel: Array, stride: int | None) -> PyTree:
        """What of a kernel may be kept ready for many uses of it."""


class Block(Protocol):
    """A part of an encoder; its parameters stand under names of its own among those of all."""

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        """First parameters, and the shape of what it makes of a map."""

    def copies(self, form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
        """By name what the form keeps ready of its kernels."""

    def __call__(self, form: Form, scale: Array, weights: "Weights", x: Array) -> Array:
        """What it makes of maps; ``scale`` is a factor on the values of pictures."""


class Weights(NamedTuple):
    """An encoder's parameters by name, and what a form keeps ready of them, if anything."""

    params: dict[str, PyTree]
    copies: dict[str, PyTree]


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution, with one of ``kernel`` None that of a kernel as large as the map, which is a dense layer.

    Attributes:
        name: Of its parameters.
        features: Channels that it gives.
        kernel: Height and width.
        stride: Pixels from one place to the next.
        padding: Round the map.
        start: First weights.
        spectral: Whether the kernel is divided by its greatest singular value.
        first: Whether it sees the picture itself, whose scale is folded into the kernel.
    """

    name: str
    features: int
    kernel: int | None = 3
    stride: int = 1
    padding: Padding = "valid"
    start: Start = "fan-in"
    spectral: bool = False
    first: bool = False

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        window = (self.kernel, self.kernel) if self.kernel else (shape.height, shape.width)
        params = _first_weights(self.start, key, (*window, shape.channels, self.features))
        pads = self._pads((shape.height, shape.width), window)
        sides = zip(shape[:2], pads, window, strict=True)
        height, width = ((side + sum(pad) - own) // self.stride + 1 for side, pad, own in sides)
        if min(height, width) < 1:
            raise UserError(
                f"the pictures are too small for this encoder, nothing is left for kernels of {self.kernel}:"
                " minatar takes them from 3 x 3 on, and layers of your own may be padded (padding same)"
            )
        return {self.name: params}, Shape(height, width, self.features)

    def copies(self, form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
        return {self.name: form.copied(self._kernel(scale, params[self.name]), self._strides)}

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        own, copies = weights.params[self.name], weights.copies.get(self.name)
        kernel = self._kernel(scale, own)
        pads = self._pads(x.shape[1:3], kernel.shape[:2])
        return form.convolved(x, kernel, copies, self._strides, pads) + _along(own["bias"], form)

    @property
    def _strides(self) -> int | None:
        return self.stride if self.kernel else None

    def _kernel(self, scale: Array, own: PyTree) -> Array:
        kernel = own["kernel"] * scale if self.first else own["kernel"]
        if not self.spectral:
            return kernel
        return kernel / singular_value(kernel.reshape(-1, self.features), POWER_ITERATIONS)

    def _pads(self, sides: tuple[int, ...], window: tuple[int, ...]) -> Pads:
        return _pads(self.padding, sides, window, self.stride)


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Layer normalisation over the channels of each place (Ba et al. 2016)."""

    name: str

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        return {self.name: {"scale": jnp.ones(shape.channels), "bias": jnp.zeros(shape.channels)}}, shape

    def copies(self, form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
        return {}

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        own = weights.params[self.name]
        normal = jax.nn.standardize(x, axis=form.channel, epsilon=1e-6)
        return normal * _along(own["scale"], form) + _along(own["bias"], form)


class _Plain:
    """A block without parameters that keeps the shape."""

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        return {}, shape

    def copies(self, form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
        return {}


@dataclasses.dataclass(frozen=True)
class Activation(_Plain):
    """A non-linearity of ``jax.nn``."""

    name: str = "relu"

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        return getattr(jax.nn, self.name)(x)


@dataclasses.dataclass(frozen=True)
class MaxPool(_Plain):
    """The greatest value in each window."""

    window: int
    stride: int
    padding: Padding = "same"

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        (_, height), (_, width) = (self._windows(side) for side in shape[:2])
        return {}, Shape(height, width, shape.channels)

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        # As the greatest of shifted pictures, because XLA's gradient of a window's maximum is slow on the CPU.
        for axis in (1, 2):
            pad, count = self._windows(x.shape[axis])
            padded = jnp.pad(x, [pad if each == axis else (0, 0) for each in range(x.ndim)], constant_values=-jnp.inf)
            x = _greatest([_strided(padded, axis, start, self.stride, count) for start in range(self.window)])
        return x

    def _windows(self, side: int) -> tuple[tuple[int, int], int]:
        """Padding, and how many windows there are along an axis."""
        (pad, _) = _pads(self.padding, (side, side), (self.window, self.window), self.stride)
        return pad, (side + sum(pad) - self.window) // self.stride + 1


@dataclasses.dataclass(frozen=True)
class AdaptiveMaxPool(_Plain):
    """The greatest value in each of ``side`` x ``side`` parts, whatever the map's size; they may overlap."""

    side: int

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        return {}, Shape(self.side, self.side, shape.channels)

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        for axis in (1, 2):
            length = x.shape[axis]
            ends = [(i * length // self.side, -(-(i + 1) * length // self.side)) for i in range(self.side)]
            x = jnp.stack([jnp.max(lax.slice_in_dim(x, *each, axis=axis), axis=axis) for each in ends], axis=axis)
        return x


class _Composed:
    """Blocks of blocks."""

    parts: tuple[tuple[Block, ...], ...]

    def init(self, key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
        made = [begun(part, own, shape) for part, own in zip(self.parts, _keys(key, self.parts), strict=True)]
        return {name: own for params, _ in made for name, own in params.items()}, made[0][1]

    def copies(self, form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
        return copied([block for part in self.parts for block in part], form, scale, params)


@dataclasses.dataclass(frozen=True)
class Residual(_Composed):
    """x + blocks(x) (He et al. 2016)."""

    parts: tuple[tuple[Block, ...]]

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        return x + applied(self.parts[0], form, scale, weights, x)


@dataclasses.dataclass(frozen=True)
class Product(_Composed):
    """The product, entry by entry, of what two rows of blocks make of the same map."""

    parts: tuple[tuple[Block, ...], tuple[Block, ...]]

    def __call__(self, form: Form, scale: Array, weights: Weights, x: Array) -> Array:
        left, right = (applied(part, form, scale, weights, x) for part in self.parts)
        return left * right


def begun(blocks: Sequence[Block], key: jax.Array, shape: Shape) -> tuple[dict[str, PyTree], Shape]:
    """First parameters of blocks one after another, and the shape of what they make of a map."""
    params: dict[str, PyTree] = {}
    for block, own in zip(blocks, _keys(key, blocks), strict=True):
        made, shape = block.init(own, shape)
        params |= made
    return params, shape


def applied(blocks: Sequence[Block], form: Form, scale: Array, weights: Weights, x: Array) -> Array:
    """What blocks one after another make of maps."""
    for block in blocks:
        x = block(form, scale, weights, x)
    return x


def copied(blocks: Sequence[Block], form: Form, scale: Array, params: dict[str, PyTree]) -> dict[str, PyTree]:
    """What the form keeps ready of all kernels."""
    return {name: own for block in blocks for name, own in block.copies(form, scale, params).items()}


def _keys(key: jax.Array, parts: Sequence[Any]) -> Sequence[Any]:
    return list(jax.random.split(key, max(1, len(parts))))[: len(parts)]


def _along(vector: Array, form: Form) -> Array:
    """A number for each channel, as it is added to maps."""
    return vector.reshape([-1 if axis == form.channel else 1 for axis in range(4)])


def _pads(padding: Padding, sides: tuple[int, ...], window: tuple[int, ...], stride: int) -> Pads:
    if padding == "one":
        return (1, 1), (1, 1)
    first, second = lax.padtype_to_pads(sides, window, (stride, stride), padding.upper())
    return first, second


def _strided(x: Array, axis: int, start: int, stride: int, count: int) -> Array:
    return lax.slice_in_dim(x, start, start + (count - 1) * stride + 1, stride, axis)


def _greatest(arrays: Sequence[Array]) -> Array:
    first, *others = arrays
    for other in others:
        first = jnp.maximum(first, other)
    return first


def _first_weights(start: Start, key: jax.Array, shape: tuple[int, ...]) -> dict[str, Array]:
    height, width, channels, features = shape
    if start == "fan-in":
        bound = (height * width * channels) ** -0.5
        first, second = jax.random.split(key)
        kernel = jax.random.uniform(first, shape, minval=-bound, maxval=bound)
        return {"kernel": kernel, "bias": jax.random.uniform(second, (features,), minval=-bound, maxval=bound)}
    made: dict[str, Callable[[], Any]] = {
        "he": jax.nn.initializers.he_normal,
        "lecun": jax.nn.initializers.lecun_normal,
        "xavier": jax.nn.initializers.xavier_normal,
    }
    return {"kernel": made[start]()(key, shape), "bias": jnp.zeros(features)}
