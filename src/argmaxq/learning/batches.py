"""Functions of one observation that are computed otherwise for many at once.

``jax.vmap`` makes the batch of a formula that is written for one observation. Where another program is better for a
batch, such as a convolution with the batch as its last axis, the function says so here, and nobody who maps it knows.
Unlike ``jax.custom_batching.custom_vmap`` it may be differentiated on either side of ``vmap``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from argmaxq.types import Array, PyTree


class Batchable(Protocol):
    """A hashable pair of functions that give the same but for rounding."""

    def one(self, weights: PyTree, obs: Array) -> Array:
        """Of one observation [...]."""

    def many(self, weights: PyTree, obs: Array) -> Array:
        """Of observations [batch, ...], with a leading axis batch."""


_singly: ContextVar[bool] = ContextVar("singly", default=False)


@contextmanager
def singly() -> Iterator[None]:
    """What is traced within it is ``function.one``, mapped or not: operations that JAX has for itself alone."""
    token = _singly.set(True)
    try:
        yield
    finally:
        _singly.reset(token)


def apply(function: Batchable, weights: PyTree, obs: Array) -> Array:
    """``function.one(weights, obs)`` of one observation [...].

    Mapped over ``obs`` alone, once or more, it is ``function.many`` of all of them.
    """
    if _singly.get():
        return function.one(weights, obs)
    leaves, tree = jax.tree.flatten(weights)
    return _batchable.bind(*leaves, obs, function=function, tree=tree, many=False)


def plain(*operands: Array, function: Batchable, tree: Any, many: bool) -> Array:
    """What an operation of the primitive below computes, of one observation [...] or of many [batch, ...]."""
    *leaves, obs = operands
    return (function.many if many else function.one)(jax.tree.unflatten(tree, leaves), obs)


NAME = "batchable"
_batchable = Primitive(NAME)
_compiled = jax.jit(plain, static_argnames=("function", "tree", "many"))
_batchable.def_impl(_compiled)
mlir.register_lowering(_batchable, mlir.lower_fun(plain, multiple_results=False))


def _shape(*operands: Any, **static: Any) -> Any:
    made = jax.eval_shape(partial(plain, **static), *operands)
    return jax.core.ShapedArray(made.shape, made.dtype)


def _mapped(operands: Sequence[Array], dims: Sequence[Any], **static: Any) -> tuple[Array, int]:
    *of_weights, of_obs = dims
    if of_obs is None or any(dim is not None for dim in of_weights):
        axes = [None if dim is None else dim for dim in dims]
        return jax.vmap(partial(plain, **static), axes)(*operands), 0
    *leaves, obs = operands
    obs = jnp.moveaxis(obs, of_obs, 0)
    if not static["many"]:
        return _batchable.bind(*leaves, obs, **static | {"many": True}), 0
    size = obs.shape[:2]
    made = _batchable.bind(*leaves, obs.reshape(-1, *obs.shape[2:]), **static)
    return made.reshape(*size, *made.shape[1:]), 0


def _pushed(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Array]:
    """As if it were no primitive at all, so that it differentiates like what it computes."""
    moving = [number for number, tangent in enumerate(tangents) if not isinstance(tangent, ad.Zero)]

    def of(*moved: Array) -> Array:
        operands = list(primals)
        for number, value in zip(moving, moved, strict=True):
            operands[number] = value
        return plain(*operands, **static)

    return jax.jvp(of, [primals[number] for number in moving], [tangents[number] for number in moving])


_batchable.def_abstract_eval(_shape)
batching.primitive_batchers[_batchable] = _mapped
ad.primitive_jvps[_batchable] = _pushed
