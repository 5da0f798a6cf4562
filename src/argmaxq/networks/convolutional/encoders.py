"""Published encoders of pictures, and one of layers of one's own."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.convolutional.blocks import (
    Activation,
    AdaptiveMaxPool,
    Block,
    Convolution,
    MaxPool,
    Normalisation,
    Padding,
    Product,
    Residual,
    Start,
)


class Encoder(Protocol):
    """The convolutions of a network, and what follows them in its paper."""

    hidden: ClassVar[tuple[int, ...]]
    """Widths of the dense layers."""
    activation: ClassVar[str]
    """Their non-linearity."""
    layer_norm: ClassVar[bool]
    """Whether layers are normalised."""
    start: ClassVar[Start]
    """First weights of convolutions and dense layers."""

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """The convolutions."""


class _AsInDQN:
    """What most papers after DQN have in common."""

    activation: ClassVar[str] = "relu"
    layer_norm: ClassVar[bool] = False
    start: ClassVar[Start] = "fan-in"


@component(Encoder)
class Nature(_AsInDQN):
    """DQN's: 32 8x8/4, 64 4x4/2, 64 3x3/1; then dense 512 (Mnih et al. 2015)."""

    hidden: ClassVar[tuple[int, ...]] = (512,)

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Its three convolutions."""
        return _row((32, 64, 64), (8, 4, 3), (4, 2, 1), "valid", "relu", layer_norm, start)


@component(Encoder)
class Small(_AsInDQN):
    """The first DQN's, and the course's: 16 8x8/4, 32 4x4/2; then dense 256 (Mnih et al. 2013)."""

    hidden: ClassVar[tuple[int, ...]] = (256,)

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Its two convolutions."""
        return _row((16, 32), (8, 4), (4, 2), "valid", "relu", layer_norm, start)


@component(Encoder)
class Minatar(_AsInDQN):
    """MinAtar's: 16 3x3/1; then dense 128 (Young and Tian 2019)."""

    hidden: ClassVar[tuple[int, ...]] = (128,)

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Its one convolution."""
        return _row((16,), (3,), (1,), "valid", "relu", layer_norm, start)


@component(Encoder)
class Impala(_AsInDQN):
    """IMPALA's residual network: 16, 32, 32 channels times ``width``; then dense 256 (Espeholt et al. 2018).

    With width 2, a pool of 6 and spectral norms it is that of Beyond the Rainbow (Clark et al. 2024), dense 512.

    Attributes:
        width: Factor on the channels.
        pool: Side of what an adaptive max-pool makes of the last map; none: no pool.
        spectral: Divide the residual convolutions' kernels by their greatest singular value.
    """

    hidden: ClassVar[tuple[int, ...]] = (256,)
    start: ClassVar[Start] = "lecun"
    width: Size = 1
    pool: Size | None = None
    spectral: bool = False

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Three stacks, each a convolution, a maximum over 3 x 3 pixels and two residual parts."""
        rows: list[Block] = []
        for stack, channels in enumerate(self.width * own for own in (16, 32, 32)):
            number = 5 * stack
            rows += [
                Convolution(f"Conv_{number}", channels, 3, 1, "same", start, first=stack == 0),
                MaxPool(3, 2),
                self._residual(number + 1, channels, layer_norm, start),
                self._residual(number + 3, channels, layer_norm, start),
            ]
        return (*rows, Activation(), *([AdaptiveMaxPool(self.pool)] if self.pool else []))

    def _residual(self, number: int, channels: int, layer_norm: bool, start: Start) -> Residual:
        own: list[Block] = []
        for place in (number, number + 1):
            norm = [Normalisation(f"ConvNorm_{place}")] * layer_norm
            convolution = Convolution(f"Conv_{place}", channels, 3, 1, "same", start, self.spectral)
            own += [*norm, Activation(), convolution]
        return Residual((tuple(own),))


@component(Encoder)
class Gamma(_AsInDQN):
    """Five normalised convolutions 3x3: 32/2, 48/2, 64/1, 64/2, 64/1; then dense 512."""

    hidden: ClassVar[tuple[int, ...]] = (512,)
    layer_norm: ClassVar[bool] = True
    start: ClassVar[Start] = "he"

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Its five convolutions."""
        return _row((32, 48, 64, 64, 64), (3,) * 5, (2, 2, 1, 2, 1), "one", "relu", layer_norm, start)


@component(Encoder)
class Hadamax:
    """Products of two convolutions, max-pooled: 32 8x8 by 4/4, 64 4x4 by 2/2, 64 3x3 by 3/1; then dense 512.

    Each is normalised and then bent by a GELU before the product (Kooi et al. 2025).
    """

    hidden: ClassVar[tuple[int, ...]] = (512,)
    activation: ClassVar[str] = "gelu"
    layer_norm: ClassVar[bool] = True
    start: ClassVar[Start] = "xavier"

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """Three products of two convolutions each, and a maximum after each."""
        rows: list[Block] = []
        for number, (features, kernel, window, stride) in enumerate(((32, 8, 4, 4), (64, 4, 2, 2), (64, 3, 3, 1))):

            def branch(place: int, features: int = features, kernel: int = kernel) -> tuple[Block, ...]:
                convolution = Convolution(f"Conv_{place}", features, kernel, 1, "same", start, first=place < 2)
                norm = [Normalisation(f"ConvNorm_{place}")] * layer_norm
                return (convolution, *norm, Activation(self.activation))

            rows += [Product((branch(2 * number), branch(2 * number + 1))), MaxPool(window, stride)]
        return tuple(rows)


@component(Encoder)
class Layers(_AsInDQN):
    """Convolutions of one's own, one after another; then dense 256.

    Attributes:
        channels: That each convolution gives.
        kernels: Height and width of each one's kernel, in pixels.
        strides: Pixels from one place to the next.
        padding: Round each map: valid (none) or same.
    """

    hidden: ClassVar[tuple[int, ...]] = (256,)
    channels: tuple[Size, ...] = (16, 32)
    kernels: tuple[Size, ...] = (8, 4)
    strides: tuple[Size, ...] = (4, 2)
    padding: Padding = "valid"

    def check(self) -> None:
        """Look whether there is one value of each kind for each convolution.

        Raises:
            UserError: channels, kernels and strides are not as many, or there are none.
        """
        if not self.channels or not len(self.channels) == len(self.kernels) == len(self.strides):
            counts = f"{len(self.channels)}, {len(self.kernels)} and {len(self.strides)}"
            raise UserError(f"channels, kernels and strides need one value for each convolution; here are {counts}")

    def blocks(self, layer_norm: bool, start: Start) -> tuple[Block, ...]:
        """The convolutions that were chosen."""
        return _row(self.channels, self.kernels, self.strides, self.padding, "relu", layer_norm, start)


def _row(
    channels: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    activation: str,
    layer_norm: bool,
    start: Start,
) -> tuple[Block, ...]:
    """Convolutions one after another, each normalised, if at all, before its non-linearity."""
    rows: list[Block] = []
    for number, (features, kernel, stride) in enumerate(zip(channels, kernels, strides, strict=True)):
        norm = [Normalisation(f"ConvNorm_{number}")] * layer_norm
        convolution = Convolution(f"Conv_{number}", features, kernel, stride, padding, start, first=number == 0)
        rows += [convolution, *norm, Activation(activation)]
    return tuple(rows)


def dense_layers(widths: Sequence[int], activation: str, layer_norm: bool, start: Start) -> tuple[Block, ...]:
    """Dense layers on a map."""
    rows: list[Block] = []
    for number, width in enumerate(widths):
        norm = [Normalisation(f"LayerNorm_{number}")] * layer_norm
        rows += [Convolution(f"Dense_{number}", width, None, start=start), *norm, Activation(activation)]
    return tuple(rows)
