"""A network's hidden layers, whatever it is written with: read off the program that JAX makes of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import Literal

from argmaxq.learning import batches
from argmaxq.types import Array, PyTree

WEIGHTS, INPUT, HIDDEN = range(3)
"""What a value is made of: parameters alone; inputs, too; or products of these with parameters."""
PRODUCTS = ("dot_general", "conv_general_dilated")
CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "checkpoint")
"""Primitives that only wrap a program of their own."""


class Value(NamedTuple):
    """An array, and what it is made of."""

    array: Array
    kind: int


def hidden(network: Callable[..., Array], params: PyTree, *inputs: Array) -> list[Array]:
    """The units [width] of each hidden layer, in order: all that is multiplied with weights, but for the inputs.

    ``network(params, *inputs)`` is called on one observation. A table and linear features have no hidden layer; loops
    within a network are not looked into.
    """
    closed = jax.make_jaxpr(network)(params, *inputs)
    weights = [Value(leaf, WEIGHTS) for leaf in jax.tree.leaves(params)]
    seen = [Value(leaf, INPUT) for leaf in jax.tree.leaves(inputs)]
    found: list[Array] = []
    _run(closed, [*weights, *seen], found)
    once = {id(units): units for units in found}  # two heads see the same units
    return [jnp.ravel(units) for units in once.values()]


def _run(closed: Any, arguments: Sequence[Value], found: list[Array]) -> list[Value]:
    """The results of a program; ``found`` gains what hidden layers hand on to the next one."""
    program = getattr(closed, "jaxpr", closed)
    constants = [Value(each, WEIGHTS) for each in getattr(closed, "consts", ())]
    known = dict(zip([*program.constvars, *program.invars], [*constants, *arguments], strict=True))

    def read(atom: Any) -> Value:
        return Value(atom.val, WEIGHTS) if isinstance(atom, Literal) else known[atom]

    for step in program.eqns:
        operands = [read(atom) for atom in step.invars]
        inner = step.params.get("jaxpr", step.params.get("call_jaxpr"))
        if step.primitive.name == batches.NAME:
            opened = jax.make_jaxpr(partial(batches.plain, **step.params))(*(each.array for each in operands))
            results = _run(opened, operands, found)
        elif step.primitive.name in CALLS and inner is not None:
            results = _run(inner, operands, found)
        else:
            results = _applied(step, operands, found)
        known |= dict(zip(step.outvars, results, strict=True))
    return [read(atom) for atom in program.outvars]


def _applied(step: Any, operands: list[Value], found: list[Array]) -> list[Value]:
    kinds = [each.kind for each in operands]
    kind = max(kinds, default=WEIGHTS)
    if step.primitive.name in PRODUCTS and min(kinds) == WEIGHTS < kind:
        found += [each.array for each in operands if each.kind == HIDDEN]
        kind = HIDDEN
    made = step.primitive.bind(*[each.array for each in operands], **step.primitive.get_bind_params(step.params))
    return [Value(each, kind) for each in (made if step.primitive.multiple_results else [made])]
