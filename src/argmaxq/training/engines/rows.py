"""One block's rows as the host collects them, in NumPy."""

import jax
import numpy as np

from argmaxq.lanes.lanes import Learnt, Step, Unseen
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree, Row


def empty_rows(spaces: Spaces, rows: int, lanes: int, memory: PyTree = ()) -> Row:
    """Room for one block's rows, fresh each time because JAX may read NumPy's memory in place.

    They keep what is like ``memory``, leaves [lanes, ...].
    """
    shape = (rows, lanes)
    return Row(
        obs=np.empty(shape + spaces.stored.shape, spaces.stored.dtype),
        action=np.empty(shape + spaces.action.spec.shape, spaces.action.spec.dtype),
        reward=np.empty(shape, np.float32),
        terminated=np.empty(shape, np.bool_),
        truncated=np.empty(shape, np.bool_),
        last=np.empty(shape, np.bool_),
        before=jax.tree.map(lambda leaf: np.empty((rows, *leaf.shape), leaf.dtype), memory),
    )


Place = int | tuple[int, slice]
"""A row, or some lanes of one."""


def as_told(learnt: Row, rows: Row, place: Place, step: Step) -> Row:
    """Rows as learning is told them, with a step's; the ``rows`` themselves until there is a difference."""
    if (step.learnt is not None or step.unseen is not None) and learnt is rows:
        learnt = rows._replace(reward=rows.reward.copy(), terminated=rows.terminated.copy(), last=rows.last.copy())
    if learnt is not rows:
        told = step.learnt or Learnt(step.reward, step.terminated)
        learnt.reward[place], learnt.terminated[place] = told
        learnt.last[place] = rows.last[place]
    return learnt


def counted(rows: Row, place: Place, unseen: Unseen) -> None:
    """Account for what was played unseen, in rows that nothing is learnt from: it is its episode's first step."""
    rows.reward[place] += unseen.reward
    rows.last[place] &= ~unseen.played


def put(place: Place, into: np.ndarray, value: Array) -> None:
    """Write into a row of ``into`` [rows, lanes, ...], or into some of its lanes."""
    into[place] = value


def part(rows: Row, first: int, end: int) -> Row:
    """Rows ``first`` .. ``end`` - 1."""
    own = Row(*[leaf[first:end] for leaf in rows[:-1]])
    if isinstance(rows.before, tuple) and not rows.before:  # at a fraction of the cost of an empty tree
        return own
    return own._replace(before=jax.tree.map(lambda leaf: leaf[first:end], rows.before))
