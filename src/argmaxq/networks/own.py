"""Networks of the user's own behind the two-method protocol: modules of Flax and Equinox, or two functions."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.adoption import adopts
from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError, told
from argmaxq.roles import Network
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree

ALIKE = (
    "its first parameters are the module's own, the same for every seed: give its class, or functools.partial(class, "
    "...), which makes others"
)


class _Own:
    """A network from ``_make`` and ``_apply``, which see a Discrete observation as a one-hot vector."""

    categories: Any

    def _make(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        raise NotImplementedError

    def _apply(self, params: PyTree, obs: Array) -> Array:
        raise NotImplementedError

    def bind(self, spaces: Spaces) -> Any:
        """With the environment's number of categories."""
        own: Any = self
        return dataclasses.replace(own, categories=spaces.observation.categories or None)

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """The parameters, for one observation like ``obs`` [...].

        Raises:
            UserError: the network keeps state, fails, or gives outputs of another shape.
        """
        seen = self._seen(obs)
        with _failing(seen):
            params = self._make(key, seen, outputs)
            shape = jax.eval_shape(self._apply, params, seen).shape
        values = outputs[:1] if outputs[1] == 1 else outputs
        if shape not in (outputs, values):
            raise UserError(f"the network gives outputs of shape {shape} for one observation; needed: {values}")
        return params

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation [...]."""
        values = self._apply(params, self._seen(obs))
        return values[:, jnp.newaxis] if values.ndim == 1 else values

    def _seen(self, obs: Array) -> Array:
        return obs if self.categories is None else jax.nn.one_hot(obs, self.categories)


@component(Network)
class FlaxNetwork(_Own):
    """A Flax Linen module that maps one observation to values [actions], or to outputs [actions, size].

    Attributes:
        module: The module; its own fields must be hashable (tuples and named functions, not lists and lambdas).
        categories: Of a Discrete observation, which the module sees as a one-hot vector; none: the environment's own.
    """

    module: Any = None
    categories: Size | None = None

    def _make(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        module = _given(self)
        hash(module)  # which JAX does later, where nobody can tell what for
        variables = module.init(key, obs)
        _refuse_state([name for name in variables if name != "params"])
        return variables

    def _apply(self, params: PyTree, obs: Array) -> Array:
        return self.module.apply(params, obs)


class _Initialised(_Own):
    """A module that holds its parameters from the start, or the class of such."""

    module: Any

    def remarks(self, spaces: Spaces) -> list[str]:
        """That all seeds begin alike, where they do."""
        return [] if _makes_more(self.module) else [ALIKE]


@component(Network)
class NnxNetwork(_Initialised):
    """A Flax NNX module that maps one observation to values [actions], or to outputs [actions, size].

    Attributes:
        module: The module, or its class, which is called with ``rngs=`` for each seed's own first parameters.
        categories: Of a Discrete observation, which the module sees as a one-hot vector; none: the environment's own.
    """

    module: Any = None
    categories: Size | None = None

    def _module(self, key: jax.Array) -> Any:
        from flax import nnx  # here, since only its users have it imported

        module = _given(self)
        return module(rngs=nnx.Rngs(key)) if _makes_more(module) else module

    def _make(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        from flax import nnx

        parts: Any = nnx.split(self._module(key), nnx.Param, ...)
        _, params, others = parts
        _refuse_state([type(variable).__name__ for _, variable in nnx.to_flat_state(others)])
        return params

    def _apply(self, params: PyTree, obs: Array) -> Array:
        from flax import nnx

        return nnx.merge(nnx.graphdef(self._module(jax.random.key(0))), params)(obs)


@component(Network)
class EquinoxNetwork(_Initialised):
    """An Equinox module that maps one observation to values [actions], or to outputs [actions, size].

    Attributes:
        module: The module, or its class, which is called with ``key=`` for each seed's own first parameters.
        categories: Of a Discrete observation, which the module sees as a one-hot vector; none: the environment's own.
    """

    module: Any = None
    categories: Size | None = None

    def _parts(self, key: jax.Array) -> tuple[PyTree, PyTree]:
        """The parameters, and all else."""
        import equinox  # here, since only its users have it

        module = _given(self)
        return equinox.partition(module(key=key) if _makes_more(module) else module, equinox.is_inexact_array)

    def _make(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        return self._parts(key)[0]

    def _apply(self, params: PyTree, obs: Array) -> Array:
        import equinox

        return equinox.combine(params, self._parts(jax.random.key(0))[1])(obs)


@component(Network)
class FunctionNetwork(_Own):
    """A network made of two functions.

    Attributes:
        make: (key, obs, outputs) -> parameters, any pytree of arrays.
        apply: (parameters, obs) -> values [actions] or outputs [actions, size], for one observation.
        categories: Of a Discrete observation, which both see as a one-hot vector; none: the environment's own.
    """

    make: Callable[[jax.Array, Array, tuple[int, int]], PyTree] | None = None
    apply: Callable[[PyTree, Array], Array] | None = None
    categories: Size | None = None

    def _make(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        if self.make is None or self.apply is None:
            raise UserError("a function-network needs both of its functions, make and apply: give them in Python")
        return self.make(key, obs, outputs)

    def _apply(self, params: PyTree, obs: Array) -> Array:
        assert self.apply is not None
        return self.apply(params, obs)


@adopts(Network)
def adopt(value: Any) -> Any:
    """The network that a module of Flax or Equinox is taken for, or its class; None for anything else.

    Raises:
        UserError: a Linen module's class cannot be called without arguments.
    """
    cls = _class_of(value)
    if _is_kind(cls, "flax.linen"):
        return FlaxNetwork(_instance(value) if _makes_more(value) else value)
    if _is_kind(cls, "flax.nnx"):
        return NnxNetwork(value)
    return EquinoxNetwork(value) if _is_kind(cls, "equinox") else None


def _class_of(value: Any) -> type:
    made = value.func if isinstance(value, partial) else value
    return made if isinstance(made, type) else type(made)


def _is_kind(cls: type, library: str) -> bool:
    """Whether a class is of a library's modules; nothing that has not been imported has any."""
    return library in sys.modules and issubclass(cls, sys.modules[library].Module)


def _makes_more(module: Any) -> bool:
    """Whether it is a class of modules, or a partial of one, rather than a module."""
    return isinstance(module, type | partial)


def _instance(cls: Any) -> Any:
    try:
        return cls()
    except TypeError as fault:
        raise UserError(f"{_class_of(cls).__name__} needs its fields: give the module itself ({fault})") from fault


def _given(network: Any) -> Any:
    if network.module is None:
        raise UserError(f"a {type(network).__name__} needs its module: give it in Python")
    return network.module


def _refuse_state(kinds: list[str]) -> None:
    if kinds:
        raise UserError(
            f"the network keeps {', '.join(dict.fromkeys(kinds))} beside its parameters, as BatchNorm and Dropout do, "
            "which nothing here would bring up to date: use LayerNorm, and no Dropout"
        )


@contextmanager
def _failing(obs: Array) -> Iterator[None]:
    """Tell in a line what fails in code of the user's; raises UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as fault:
        raise UserError(
            f"the network fails on one observation, {obs.dtype} of shape {obs.shape}, which it gets alone: without a "
            f"batch axis, random key or state ({told(fault)})"
        ) from fault
