"""Random rows of an environment of three numbers and four actions."""

import jax
import numpy as np

from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row

KEY = jax.random.key(7)
FEATURES, ACTIONS = 3, 4
SPACES = Spaces(ArraySpec((FEATURES,), "float32"), DiscreteActions(ACTIONS))


def rows(count: int, lanes: int = 2, seed: int = 0) -> Row:
    rng = np.random.default_rng(seed)
    flags = np.zeros((count, lanes), bool)
    return Row(
        rng.normal(size=(count, lanes, FEATURES)).astype(np.float32),
        rng.integers(ACTIONS, size=(count, lanes)).astype(np.int32),
        rng.normal(size=(count, lanes)).astype(np.float32),
        flags,
        flags,
        flags,
    )
