"""Saved states of earlier versions, as the present ones are."""

import math
from collections.abc import Mapping

import numpy as np

from argmaxq.trees import named
from argmaxq.types import PyTree

SINCE = ("episodes/rests", "learner/newest/")
"""What saved states of earlier versions do not hold, and begins with zeros."""

Arrays = dict[str, np.ndarray]


def completed(arrays: Arrays, like: PyTree) -> Arrays:
    """A saved state with what those of earlier versions do not hold; ``like`` is the whole one, or its shapes."""
    wanted = named(like)
    found = _apart(arrays, {name: np.shape(leaf) for name, leaf in wanted.items()})
    lacking = {name: leaf for name, leaf in wanted.items() if name not in found and name.startswith(SINCE)}
    return {name: np.zeros(leaf.shape, leaf.dtype) for name, leaf in lacking.items()} | found


def _apart(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Arrays that hold end to end what is kept apart now, as an optimiser's moments of large networks were."""
    found: Arrays = {}
    for name, array in arrays.items():
        parts = {each: shape for each, shape in shapes.items() if each.startswith(f"{name}/")}
        members = array.shape[:-1]
        own = {each: shape[len(members) :] for each, shape in parts.items()}
        if name in shapes or not parts or sum(map(math.prod, own.values())) != array.shape[-1]:
            found[name] = array
            continue
        ends = np.cumsum([math.prod(shape) for shape in own.values()])[:-1]
        pieces = np.split(array, ends, axis=-1)
        found |= {each: piece.reshape(parts[each]) for each, piece in zip(own, pieces, strict=True)}
    return found
