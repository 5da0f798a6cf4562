"""What a learner from each row as it comes is made of, and the numbers of one update."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from argmaxq.learning.windows import Window
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree, Row


class Params(NamedTuple):
    """One network's parameters, or two's, and the normaliser's state."""

    estimates: tuple[PyTree, ...]
    scales: PyTree


class Trail(NamedTuple):
    """What one lane remembers of its episode: a trace, and the value that the step before ended with."""

    trace: PyTree
    value: Array


class TDLearner(NamedTuple):
    """Parameters, what step sizes keep, each lane's window of rows and trail, and updates done (int32).

    ``rewards`` is what their kind remembers, often ``()``.
    """

    params: Params
    steps: PyTree
    windows: Any
    trails: Any
    updates: Array
    rewards: PyTree = ()


class Surprise(NamedTuple):
    """What an update is made of: values [actions] here, the action and its value, error, next state's value, alpha."""

    values: Array
    action: Array
    q: Array
    error: Array
    next_value: Array
    size: Array


class Errors(NamedTuple):
    """Sums over updates: of 1/2 error^2, of the values updated, and how many there were."""

    loss: Array
    q: Array
    count: Array


def no_rows(spaces: Spaces, length: int, lanes: int) -> Window:
    """Windows [lanes] of rows that are not there: nothing waits in them."""

    def zeros(shape: tuple[int, ...], dtype: str) -> Array:
        return jnp.zeros((lanes, length, *shape), dtype)

    flag = zeros((), "bool")
    obs, action = spaces.stored, spaces.action.spec
    rows = Row(zeros(obs.shape, obs.dtype), zeros(action.shape, action.dtype), zeros((), "float32"), flag, flag, flag)
    return Window(rows, jnp.zeros(lanes, jnp.int32))
