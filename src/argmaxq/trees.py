"""Pytrees as named arrays and back."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.types import PyTree


def flatten(tree: PyTree) -> dict[str, np.ndarray]:
    """Every leaf under its path, such as ``learner/params/dense/kernel``, dtype kept; random keys as uint32 data.

    JAX arrays on the CPU are not copied: the result is a view, to be saved before the tree is donated to a computation.

    Raises:
        UserError: for a leaf that is not a number or an array of numbers, or two leaves of one name.
    """
    arrays: dict[str, np.ndarray] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = _name(path)
        if name in arrays:
            raise UserError(f"two arrays would be saved as {name!r}: rename one of the keys on their paths")
        array = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
        if array.dtype.kind in "OSUTmM":
            raise UserError(f"{name} is a {type(leaf).__name__}: only numbers and arrays of them can be saved")
        arrays[name] = array
    return arrays


def size(tree: PyTree) -> int:
    """Bytes of all leaves, which may be ``jax.ShapeDtypeStruct``, so that nothing need be allocated to know."""
    leaves = (jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(tree))
    return sum(math.prod(np.shape(leaf)) * np.dtype(jnp.result_type(leaf)).itemsize for leaf in leaves)


def named(tree: PyTree) -> dict[str, Any]:
    """Every leaf by the name that ``flatten`` gives it."""
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def with_leaves(tree: PyTree, leaves: Mapping[str, Any]) -> PyTree:
    """The same tree with other leaves by name."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: leaves.get(_name(path), leaf), tree)


def specs(tree: PyTree) -> dict[str, str]:
    """Dtype and shape of every leaf by the name that ``flatten`` gives it, such as ``float32[3, 4]``."""
    return {name: _spec(leaf) for name, leaf in named(tree).items()}


def amount(size: int) -> str:
    """Bytes as people say them, such as ``1.2 GB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def unflatten(like: PyTree, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """The tree of ``flatten``: structure, shapes, dtypes and kinds of leaf are those of ``like``.

    Leaves of ``like`` may be ``jax.ShapeDtypeStruct``, so that nothing need be allocated to describe a large tree.

    Raises:
        UserError: one line with the names that are missing, unexpected or of another shape or dtype.
    """
    paths, structure = jax.tree_util.tree_flatten_with_path(like)
    leaves = {_name(path): leaf for path, leaf in paths}
    _compare(*({name: _spec(leaf) for name, leaf in named.items()} for named in (leaves, arrays)))
    return jax.tree_util.tree_unflatten(structure, [_restore(leaf, arrays[name]) for name, leaf in leaves.items()])


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/") or "value"


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _spec(leaf: Any) -> str:
    """Dtype and shape of what a leaf is saved as, such as ``float32[3, 4]``."""
    if _is_key(leaf):
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    elif not hasattr(leaf, "dtype"):
        leaf = np.asarray(leaf)
    return f"{leaf.dtype.name}{list(leaf.shape)}"


def _compare(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    differing = [name for name in wanted if name in found and wanted[name] != found[name]]
    problems = {
        "missing": [f"{name} {wanted[name]}" for name in wanted if name not in found],
        "unexpected": [f"{name} {found[name]}" for name in found if name not in wanted],
        "different": [f"{name} is {found[name]}, not {wanted[name]}" for name in differing],
    }
    lines = [f"{kind}: {_shorten(names)}" for kind, names in problems.items() if names]
    if lines:
        raise UserError(f"saved arrays do not fit this configuration: {'; '.join(lines)}")


def _shorten(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _restore(like: Any, array: np.ndarray) -> Any:
    if _is_key(like):
        kind = like if isinstance(like, jax.Array) else jnp.zeros((), like.dtype)
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(kind))
    if isinstance(like, jax.Array):
        if len(like.sharding.device_set) == 1 and like.unsafe_buffer_pointer() == array.ctypes.data:
            return like  # into which it was read
        return jax.device_put(array, like.sharding) if like.committed else jnp.asarray(array)
    if isinstance(like, jax.ShapeDtypeStruct):
        return jnp.asarray(array)
    if isinstance(like, np.ndarray):
        return array
    return array[()] if isinstance(like, np.generic) else type(like)(array.item())


def split(saved: dict[str, Any], path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Part a nested dict into its arrays, named by their paths, and the rest, which is JSON."""
    arrays: dict[str, np.ndarray] = {}
    rest: dict[str, Any] = {}
    for name, value in saved.items():
        if isinstance(value, dict):
            below, rest[name] = split(value, f"{path}/{name}")
            arrays.update(below)
        elif isinstance(value, np.ndarray):
            arrays[f"{path}/{name}"] = value
        else:
            rest[name] = value
    return arrays, rest


def join(arrays: dict[str, np.ndarray], rest: dict[str, Any], path: str) -> dict[str, Any]:
    """What ``split`` parted, together again."""
    joined = {
        name: join(arrays, value, f"{path}/{name}") if isinstance(value, dict) else value
        for name, value in rest.items()
    }
    below = {name.removeprefix(f"{path}/"): array for name, array in arrays.items() if name.startswith(f"{path}/")}
    inside = tuple(f"{name}/" for name, value in rest.items() if isinstance(value, dict))
    return joined | {name: array for name, array in below.items() if not name.startswith(inside)}
