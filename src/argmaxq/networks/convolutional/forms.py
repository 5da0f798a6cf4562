"""Forms of a convolution: the plain one, and one of matrix products with the batch as the last axis.

On a CPU XLA convolves single pictures quickly, but not batches, and within a loop its gradients of kernels are ten
times as slow as they could be. The form with the batch last is made of products alone: a k x k convolution of stride s
is one of k/s x k/s and stride 1 on a picture whose s x s cells are channels, so shifted slices of that, one below the
other, times the kernel as a matrix. All three products, the gradients' too, then contract the last axis of what stands
on their left, for which XLA has a fast path from bfloat16 to float32. It needs the kernel and its transpose as arrays
of bfloat16; the kernels that are learnt stay float32.
"""

import dataclasses
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from argmaxq.networks.convolutional.blocks import Pads
from argmaxq.types import Array, PyTree

Precision = Literal["bfloat16", "float32"]
BANDS = 12
"""Of so many pieces XLA makes an array in memory; few of them it makes anew wherever they are used."""


@dataclasses.dataclass(frozen=True)
class Plain:
    """Maps [batch, height, width, channels] and XLA's own convolutions.

    Attributes:
        precision: Of what is multiplied.
    """

    precision: Precision = "float32"

    @property
    def channel(self) -> int:
        """The last axis."""
        return 3

    def entered(self, obs: Array) -> Array:
        """Pictures [batch, height, width, channels] as maps."""
        return obs.astype(self.precision)

    def left(self, x: Array) -> Array:
        """Maps as features [batch, features]."""
        return x.reshape(x.shape[0], -1)

    def copied(self, kernel: Array, stride: int | None) -> PyTree:
        """Nothing is kept ready."""
        return None

    def convolved(self, x: Array, kernel: Array, copies: PyTree, stride: int | None, pads: Pads) -> Array:
        """Maps x convolved with a kernel, in float32."""
        if stride is None:
            flat, rows = x.reshape(x.shape[0], -1), kernel.reshape(-1, kernel.shape[3])
            y = jnp.matmul(flat.astype(self.precision), rows.astype(self.precision), preferred_element_type=jnp.float32)
            return y[:, jnp.newaxis, jnp.newaxis]
        y = lax.conv_general_dilated(
            x.astype(self.precision),
            kernel.astype(self.precision),
            (stride, stride),
            pads,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return y.astype(jnp.float32)


class Copies(NamedTuple):
    """A kernel as a matrix [inputs, features] in the precision of products, and its transpose."""

    columns: Array
    rows: Array


@dataclasses.dataclass(frozen=True)
class BatchLast:
    """Maps [channels, height, width, batch], and matrix products.

    Attributes:
        precision: Of what is multiplied.
    """

    precision: Precision = "bfloat16"

    @property
    def channel(self) -> int:
        """The first axis."""
        return 0

    def entered(self, obs: Array) -> Array:
        """Pictures [batch, height, width, channels] as maps; bytes stay bytes.

        They are put together of bands, so that pictures are transposed once, and not for every shifted slice anew.
        """
        bands = jnp.array_split(obs, min(BANDS, obs.shape[1]), axis=1)
        return jnp.concatenate([jnp.transpose(band, (3, 1, 2, 0)) for band in bands], axis=1)

    def left(self, x: Array) -> Array:
        """Maps as features [batch, features], in the order of the plain form."""
        return jnp.transpose(x, (3, 1, 2, 0)).reshape(x.shape[3], -1)

    def copied(self, kernel: Array, stride: int | None) -> Copies:
        """The kernel as matrices."""
        columns = _matrix(kernel, stride).astype(self.precision)
        return Copies(columns, columns.T)

    def convolved(self, x: Array, kernel: Array, copies: PyTree, stride: int | None, pads: Pads) -> Array:
        """Maps x convolved with a kernel, in float32."""
        ready = lax.stop_gradient(copies or self.copied(kernel, stride))
        matrix = _matrix(kernel, stride)
        if stride is None:
            flat = jnp.transpose(x, (1, 2, 0, 3)).reshape(-1, x.shape[3])
            return _product(None, matrix, ready, flat)[:, jnp.newaxis, jnp.newaxis]
        return _product(Slices(kernel.shape[:3], stride, pads, x.shape[1:3]), matrix, ready, x)


@dataclasses.dataclass(frozen=True)
class Slices:
    """How maps are cut for a convolution.

    Attributes:
        kernel: The kernel's height, width and channels.
        stride: Pixels from one place to the next.
        pads: Zeros round the maps.
        size: The maps' height and width.
    """

    kernel: tuple[int, int, int]
    stride: int
    pads: Pads
    size: tuple[int, int]

    def __call__(self, x: Array) -> Array:
        """Maps [channels, height, width, batch] -> shifted slices of cells [inputs, height, width, batch]."""
        s = self.stride
        across = [-(-own // s) for own in self.kernel[:2]]
        places = self.places
        pads = [(0, 0, 0)] + [
            (low, (count + wide - 1) * s - side - low, 0)
            for (low, _), count, wide, side in zip(self.pads, places, across, self.size, strict=True)
        ]
        cells = lax.pad(x, jnp.zeros((), x.dtype), [*pads, (0, 0, 0)])
        channels, height, width, batch = cells.shape
        if s > 1:
            cells = cells.reshape(channels, height // s, s, width // s, s, batch)
            cells = jnp.transpose(cells, (2, 4, 0, 1, 3, 5)).reshape(-1, height // s, width // s, batch)
        shifted = [cells[:, i : i + places[0], j : j + places[1]] for i in range(across[0]) for j in range(across[1])]
        return jnp.concatenate(shifted)

    def bits(self, x: Array) -> Array:
        """The same; numbers of 16 bits are moved as whole ones, for XLA moves bfloat16 on a CPU as float32."""
        if x.dtype != jnp.bfloat16:
            return self(x)
        return lax.bitcast_convert_type(self(lax.bitcast_convert_type(x, jnp.uint16)), jnp.bfloat16)

    @property
    def places(self) -> tuple[int, int]:
        """How many places the kernel has, along height and width."""
        sides = zip(self.size, self.pads, self.kernel[:2], strict=True)
        height, width = ((side + sum(pad) - own) // self.stride + 1 for side, pad, own in sides)
        return height, width


def _matrix(kernel: Array, stride: int | None) -> Array:
    """A kernel [height, width, channels, features] as a matrix [inputs, features].

    Inputs are in the order of ``Slices``; without a stride in the kernel's own.
    """
    height, width, channels, features = kernel.shape
    if stride in (None, 1):
        return kernel.reshape(-1, features)
    tall, wide = -(-height // stride), -(-width // stride)
    pads = ((0, tall * stride - height), (0, wide * stride - width), (0, 0), (0, 0))
    cells = jnp.pad(kernel, pads).reshape(tall, stride, wide, stride, channels, features)
    return jnp.transpose(cells, (0, 2, 1, 3, 4, 5)).reshape(-1, features)


def _times(left: Array, right: Array, axis: int) -> Array:
    """The product of matrices, contracting the last axis of the left one, in float32."""
    contracted = (((1,), (axis,)), ((), ()))
    return lax.dot_general(left, right, contracted, preferred_element_type=jnp.float32)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _product(cut: Slices | None, matrix: Array, copies: Copies, x: Array) -> Array:
    """The kernel's transpose times slices of maps x, or times x [inputs, batch] itself.

    The product sees the copies alone, and the gradient goes to ``matrix`` [inputs, features].
    """
    return _forward(cut, matrix, copies, x)[0]


def _forward(cut: Slices | None, matrix: Array, copies: Copies, x: Array) -> tuple[Array, tuple[Copies, Array, Array]]:
    low = x if _whole(x) else x.astype(copies.rows.dtype)
    sliced = (low if cut is None else cut.bits(low)).astype(copies.rows.dtype)
    y = _times(copies.rows, sliced.reshape(sliced.shape[0], -1), 0)
    return y.reshape(-1, *sliced.shape[1:]), (copies, sliced, jnp.zeros((0,), x.dtype))


def _backward(cut: Slices | None, kept: tuple[Copies, Array, Array], dy: Array) -> tuple[Array, None, Array | None]:
    copies, sliced, kind = kept
    flat = dy.reshape(dy.shape[0], -1).astype(sliced.dtype)
    of_kernel = _times(sliced.reshape(sliced.shape[0], -1), flat, 1)
    if _whole(kind):
        return of_kernel, None, None
    of_slices = _times(copies.columns, flat, 0).reshape(sliced.shape)
    if cut is None:
        return of_kernel, None, of_slices
    like = jax.ShapeDtypeStruct((cut.kernel[2], *cut.size, sliced.shape[-1]), jnp.float32)
    (of_x,) = jax.linear_transpose(cut, like)(of_slices)
    return of_kernel, None, of_x


def _whole(x: Array) -> bool:
    """Whether these are the bytes of a picture, which nobody differentiates."""
    return not jnp.issubdtype(x.dtype, jnp.floating)


_product.defvjp(_forward, _backward)
