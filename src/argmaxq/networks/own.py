"""Networks of the user's own behind the two-method protocol."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.component import UserError, component
from argmaxq.types import Array, Network, PyTree


@component(Network)
class FlaxNetwork:
    """A Flax Linen module that maps one observation to values [actions], or to outputs [actions, size].

    Attributes:
        module: The module; its own fields must be hashable (tuples and named functions, not lists and lambdas).
    """

    module: Any = None

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The module's variables; raises UserError where its outputs have another shape than is needed."""
        if self.module is None:
            raise UserError("a flax-network needs its module: give it in Python")
        variables = self.module.init(key, obs)
        _require(outputs, jax.eval_shape(self.module.apply, variables, obs).shape)
        return variables

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        return _with_size(self.module.apply(params, obs))


@component(Network)
class FunctionNetwork:
    """A network made of two functions; an Equinox module fits with ``eqx.filter`` and ``eqx.combine``.

    Attributes:
        make: (key, obs, outputs) -> parameters, any pytree of arrays.
        apply: (parameters, obs) -> values [actions] or outputs [actions, size], for one observation.
    """

    make: Callable[[jax.Array, Array, tuple[int, int]], PyTree] | None = None
    apply: Callable[[PyTree, Array], Array] | None = None

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The parameters; raises UserError where the outputs have another shape than is needed."""
        if self.make is None or self.apply is None:
            raise UserError("a function-network needs both of its functions, make and apply: give them in Python")
        params = self.make(key, obs, outputs)
        _require(outputs, jax.eval_shape(self.apply, params, obs).shape)
        return params

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        assert self.apply is not None
        return _with_size(self.apply(params, obs))


def _with_size(values: Array) -> Array:
    return values[:, jnp.newaxis] if values.ndim == 1 else values


def _require(outputs: tuple[int, int], shape: tuple[int, ...]) -> None:
    fits = [outputs] + ([outputs[:1]] if outputs[1] == 1 else [])
    if shape not in fits:
        raise UserError(f"the network gives outputs of shape {shape} for one observation; needed: {outputs}")
