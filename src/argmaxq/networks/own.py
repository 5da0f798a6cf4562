"""Networks of the user's own behind the two-method protocol."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.roles import Network
from argmaxq.types import Array, PyTree, Spaces


@component(Network)
class FlaxNetwork:
    """A Flax Linen module that maps one observation to values [actions], or to outputs [actions, size].

    Attributes:
        module: The module; its own fields must be hashable (tuples and named functions, not lists and lambdas).
        categories: Of a Discrete observation, which the module sees as a one-hot vector; none: the environment's own.
    """

    module: Any = None
    categories: Size | None = None

    def bind(self, spaces: Spaces) -> "FlaxNetwork":
        """With the environment's number of categories."""
        return dataclasses.replace(self, categories=spaces.observation.categories or None)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The module's variables; raises UserError where its outputs have another shape than is needed."""
        if self.module is None:
            raise UserError("a flax-network needs its module: give it in Python")
        seen = _seen(obs, self.categories)
        variables = self.module.init(key, seen)
        _require(outputs, jax.eval_shape(self.module.apply, variables, seen).shape)
        return variables

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        return _with_size(self.module.apply(params, _seen(obs, self.categories)))


@component(Network)
class FunctionNetwork:
    """A network made of two functions; an Equinox module fits with ``eqx.filter`` and ``eqx.combine``.

    Attributes:
        make: (key, obs, outputs) -> parameters, any pytree of arrays.
        apply: (parameters, obs) -> values [actions] or outputs [actions, size], for one observation.
        categories: Of a Discrete observation, which both see as a one-hot vector; none: the environment's own.
    """

    make: Callable[[jax.Array, Array, tuple[int, int]], PyTree] | None = None
    apply: Callable[[PyTree, Array], Array] | None = None
    categories: Size | None = None

    def bind(self, spaces: Spaces) -> "FunctionNetwork":
        """With the environment's number of categories."""
        return dataclasses.replace(self, categories=spaces.observation.categories or None)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The parameters; raises UserError where the outputs have another shape than is needed."""
        if self.make is None or self.apply is None:
            raise UserError("a function-network needs both of its functions, make and apply: give them in Python")
        seen = _seen(obs, self.categories)
        params = self.make(key, seen, outputs)
        _require(outputs, jax.eval_shape(self.apply, params, seen).shape)
        return params

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        assert self.apply is not None
        return _with_size(self.apply(params, _seen(obs, self.categories)))


def _seen(obs: Array, categories: int | None) -> Array:
    return obs if categories is None else jax.nn.one_hot(obs, categories)


def _with_size(values: Array) -> Array:
    return values[:, jnp.newaxis] if values.ndim == 1 else values


def _require(outputs: tuple[int, int], shape: tuple[int, ...]) -> None:
    fits = [outputs] + ([outputs[:1]] if outputs[1] == 1 else [])
    if shape not in fits:
        raise UserError(f"the network gives outputs of shape {shape} for one observation; needed: {outputs}")
