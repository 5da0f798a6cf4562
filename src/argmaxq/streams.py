"""Random streams of a run: everything random is a function of (seed, stream, step, lane)."""

from typing import NamedTuple

import jax


class Streams(NamedTuple):
    """Keys for parameters, environment, exploration, learning, evaluation and diagnostics."""

    init: jax.Array
    environment: jax.Array
    exploration: jax.Array
    learning: jax.Array
    evaluation: jax.Array
    diagnostics: jax.Array


SPLIT = 5
"""Streams that a seed's key is split into; later ones are folded in, since another split would change all of them."""


def streams(seed: int) -> Streams:
    """The streams of a seed."""
    key = jax.random.key(seed)
    return Streams(*(*jax.random.split(key, SPLIT), jax.random.fold_in(key, 2**31)))
