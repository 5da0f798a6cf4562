"""Convolutional networks: an encoder of pictures, dense layers and a head."""

import dataclasses
import math
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from argmaxq.components.annotations import Bound, Positive, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.devices import accelerated
from argmaxq.learning.batches import apply
from argmaxq.networks.convolutional.blocks import Block, Shape, Start, Weights, applied, begun, copied
from argmaxq.networks.convolutional.encoders import Encoder, Nature, dense_layers
from argmaxq.networks.convolutional.forms import BatchLast, Plain, Precision
from argmaxq.networks.convolutional.images import View, advice, channels_last, described, sides, unit, view
from argmaxq.networks.heads import Head, Implicit, SingleStream
from argmaxq.networks.layers import Layer
from argmaxq.networks.layers import Plain as PlainLayer
from argmaxq.networks.mlp import hidden_layers
from argmaxq.roles import Network
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Prepared, PyTree

CHUNK = 32
"""Pictures that are convolved at once on a CPU."""
MOST_FEATURES = 2**17
"""Of one picture that dense layers may see: 512 units of them are 270 MB."""
FEW = 8
"""Pictures up to which a CPU's plain convolutions are quicker where no copies of the kernels are at hand."""


def chunk(count: int) -> int:
    """How many of ``count`` pictures are convolved at once: a divisor of it, or all of them."""
    size = max(size for size in range(1, CHUNK + 1) if count % size == 0)
    return count if size <= FEW else size


@dataclasses.dataclass(frozen=True)
class Plan:
    """How pictures become features: convolutions, then dense layers."""

    convolutions: tuple[Block, ...]
    dense: tuple[Block, ...]
    precision: Precision
    view: View | None = None

    def one(self, weights: tuple[Array, Weights], obs: Array) -> Array:
        """Of one picture; features [width]."""
        return self._features(Plain(self.precision if accelerated() else "float32"), *weights, obs[jnp.newaxis])[0]

    def many(self, weights: tuple[Array, Weights], obs: Array) -> Array:
        """Of pictures [batch, ...]; features [batch, width]."""
        scale, own = weights
        if accelerated():
            return self._features(Plain(self.precision), scale, own, obs)
        if len(obs) == 1 or (len(obs) <= FEW and not own.copies):
            return self._features(Plain(), scale, own, obs)
        if not own.copies:  # made here, or each chunk makes its own
            own = own._replace(copies=lax.optimization_barrier(self.ready(scale, lax.stop_gradient(own.params))))
        return self._features(BatchLast(self.precision), scale, own, obs)

    def ready(self, scale: Array, params: PyTree) -> PyTree:
        """Copies of all kernels for the form in which batches are computed."""
        return copied((*self.convolutions, *self.dense), BatchLast(self.precision), scale, params)

    def _features(self, form: Any, scale: Array, weights: Weights, obs: Array) -> Array:
        pictures = jax.vmap(lambda one: channels_last(self.view.picture(one) if self.view else one))(obs)
        maps = self._convolved(form, scale, weights, pictures)
        return form.left(applied(self.dense, form, scale, weights, maps))

    def _convolved(self, form: Any, scale: Array, weights: Weights, pictures: Array) -> Array:
        def of(part: Array) -> Array:
            return applied(self.convolutions, form, scale, weights, form.entered(part))

        size = chunk(len(pictures))
        if isinstance(form, Plain) or size == len(pictures):
            return of(pictures)
        parts = lax.map(of, pictures.reshape(-1, size, *pictures.shape[1:]))
        return jnp.moveaxis(parts, 0, 3).reshape(*parts.shape[1:4], len(pictures))


class Tail(nn.Module):
    """Dense layers of other kinds than the plain one, and a head."""

    hidden: tuple[int, ...]
    activation: Any
    layer_norm: bool
    head: Head
    outputs: tuple[int, int]
    layer: Layer

    @nn.compact
    def __call__(self, features: Array, *levels: Array) -> Array:
        """Features [width] -> outputs [actions, size]; ``levels`` are for an implicit head."""
        x = hidden_layers(features, self.hidden, self.activation, self.layer_norm, self.layer)
        return self.head(x, self.outputs, *levels)


@component(Network)
class Convolutional:
    """Convolutions on pictures, dense layers and a head; values are scaled to at most 1 on the way in.

    How it is computed depends on the device and on how many pictures there are at once, its parameters do not. What a
    Dict or Tuple has beside its largest picture joins the features of that before the dense layers.

    Attributes:
        encoder: The convolutions.
        hidden: Widths of the dense layers that follow; none: as in the encoder's paper.
        layer_norm: Normalise each layer before its activation; none: as in the encoder's paper.
        start: First weights of convolutions and dense layers; none: as in the encoder's paper.
        head: The output layers.
        layer: What the dense layers are.
        precision: Of products in batches; weights, sums and single pictures are float32.
        scale: Factor on what is seen; none: 1 over the greatest value that the environment declares.
        view: How a Dict or Tuple is parted into its picture and the rest, of the environment.
    """

    shorthand = "encoder"
    heavy = True
    encoder: Encoder = Nature()
    hidden: tuple[Size, ...] | None = None
    layer_norm: bool | None = None
    start: Start | None = None
    head: Head = SingleStream()
    layer: Layer = PlainLayer()
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    scale: Positive | None = None
    view: Annotated[View | None, Bound()] = None

    @property
    def implicit(self) -> bool:
        """Whether outputs are quantiles at levels that are handed in."""
        return isinstance(self.head, Implicit)

    def bind(self, spaces: Spaces) -> "Convolutional":
        """With the scale of the environment's pictures where none is given."""
        found = view(spaces.observation)
        own, scale = found or (None, unit(spaces.observation))
        return dataclasses.replace(self, view=own, scale=scale if self.scale is None else self.scale)

    def remarks(self, spaces: Spaces) -> list[str]:
        """How the axes of pictures are read, and what makes large ones smaller."""
        found = view(spaces.observation)
        shape = found[0].shape if found else spaces.observation.shape
        if not 2 <= len(shape) <= 4:
            return []
        times = math.prod(sides(shape)) / 84**2
        slow = f"; {times:.0f} times the work of 84 x 84, which {advice(shape)} makes of them" if times > 2 else ""
        beside = f", beside {spaces.observation.shape[0] - math.prod(shape):,} other numbers" if found else ""
        return [f"pictures of {described(shape)}{beside}{slow}"]

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for one observation like ``obs`` and outputs [actions, size].

        Raises:
            UserError: the pictures are so large that the convolutions make too many features of them.
        """
        keys, plan = jax.random.split(key, 3), self._plan()
        obs, more = (self.view.picture(obs), self.view.others(obs).size) if self.view else (obs, 0)
        params, shape = begun(plan.convolutions, keys[0], Shape(*jax.eval_shape(channels_last, obs).shape))
        if (features := math.prod(shape)) > MOST_FEATURES:
            raise UserError(
                f"the convolutions make {features:,} features of pictures of shape {tuple(obs.shape)}, and at most "
                f"{MOST_FEATURES:,} are learnt from: make the pictures smaller, by {advice(obs.shape)}"
            )
        dense, shape = begun(plan.dense, keys[1], shape)
        levels = [jnp.zeros(1)] if self.implicit else []
        tail = self._tail(outputs).init(keys[2], jnp.zeros(math.prod(shape) + more), *levels)
        return {**params, **dense, **tail["params"]}

    def copies(self, params: PyTree) -> PyTree:
        """Kernels in the form in which batches are multiplied; empty where parameters are in it already."""
        return {} if accelerated() else self._plan().ready(self._scale, params)

    def microbatch(self, count: int) -> int:
        """On a CPU as many as are convolved at once, whose maps then stay in its caches."""
        return count if accelerated() else chunk(count)

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None, levels: Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; their shape is read off the output layer's bias.

        With an implicit head they are quantiles at ``levels`` [n], each beside its level: [actions, n, 2].
        """
        params, copies = params if isinstance(params, Prepared) else (params, {})
        plan = self._plan()
        prefixes = ("Conv", "Dense", "LayerNorm") if plan.dense else ("Conv",)
        seen = {name: own for name, own in params.items() if name.startswith(prefixes)}
        rest = {name: own for name, own in params.items() if name not in seen}
        features = apply(plan, (self._scale, Weights(seen, copies)), obs)
        features = jnp.concatenate([features, self.view.others(obs)]) if self.view else features
        rngs = {} if key is None else {"noise": key}
        asked = [] if levels is None else [levels]
        return self._tail(params["output"]["bias"].shape).apply({"params": rest}, features, *asked, rngs=rngs)

    @property
    def _scale(self) -> Any:
        return 1.0 if self.scale is None else self.scale

    def _plan(self) -> Plan:
        norm, start = self._layer_norm, self.start or self.encoder.start
        widths = self._hidden if self._dense_here else ()
        layers = dense_layers(widths, self.encoder.activation, norm, start)
        return Plan(self.encoder.blocks(norm, start), layers, self.precision, self.view)

    def _tail(self, outputs: tuple[int, int]) -> Tail:
        widths = () if self._dense_here else self._hidden
        return Tail(widths, self.encoder.activation, self._layer_norm, self.head, outputs, self.layer)

    @property
    def _dense_here(self) -> bool:
        """Whether dense layers are computed as convolutions are: plain ones, of pictures alone."""
        return isinstance(self.layer, PlainLayer) and self.view is None

    @property
    def _hidden(self) -> tuple[int, ...]:
        return self.encoder.hidden if self.hidden is None else self.hidden

    @property
    def _layer_norm(self) -> bool:
        return self.encoder.layer_norm if self.layer_norm is None else self.layer_norm
