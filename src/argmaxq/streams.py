"""Random streams of a run: everything random is a function of (seed, stream, step, lane)."""

from typing import NamedTuple

import jax


class Streams(NamedTuple):
    """Keys for parameters, environment, exploration, learning and evaluation."""

    init: jax.Array
    environment: jax.Array
    exploration: jax.Array
    learning: jax.Array
    evaluation: jax.Array


def streams(seed: int) -> Streams:
    """The streams of a seed."""
    return Streams(*jax.random.split(jax.random.key(seed), len(Streams._fields)))
