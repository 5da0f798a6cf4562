"""Continuous problems without noise, solved on a grid of states whose values are interpolated between its points."""

import dataclasses
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np
from gymnasium.experimental.functional import FuncEnv

from argmaxq.exact.model import Model


class Motion(NamedTuple):
    """What follows actions in states [n, dimensions].

    Attributes:
        following: Next states [n, dimensions].
        reward: Rewards [n].
        terminated: Whether the episode ends there, bool [n].
    """

    following: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray


@dataclasses.dataclass(frozen=True)
class Grid:
    """Evenly spaced points in a box; a point's number counts the last dimension fastest.

    Attributes:
        low: Least value of each dimension.
        high: Greatest value of each dimension.
        points: How many points along each dimension, the bounds included.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    points: tuple[int, ...]

    @property
    def axes(self) -> list[np.ndarray]:
        """The points of each dimension, arrays [points]."""
        return [np.linspace(*each) for each in zip(self.low, self.high, self.points, strict=True)]

    @property
    def nodes(self) -> np.ndarray:
        """All points, [nodes, dimensions]."""
        return np.stack([axis.ravel() for axis in np.meshgrid(*self.axes, indexing="ij")], axis=1)

    def corners(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nodes round each of ``states`` [n, dimensions] and their weights in multilinear interpolation.

        Both are [n, 2^dimensions]. States beyond the bounds are taken to them.
        """
        points = np.array(self.points)
        place = (states - self.low) / (np.array(self.high) - self.low) * (points - 1)
        place = np.clip(place, 0.0, points - 1.0)
        below = np.minimum(place.astype(np.int64), points - 2)
        share = place - below
        sides = np.array(list(product((0, 1), repeat=len(self.points))))
        index = np.ravel_multi_index(tuple(np.moveaxis(below[:, None] + sides, -1, 0)), self.points)
        return index, np.prod(np.where(sides == 1, share[:, None], 1.0 - share[:, None]), axis=-1)

    def interpolate(self, values: np.ndarray, states: np.ndarray) -> np.ndarray:
        """``values`` [nodes, ...] at ``states`` [n, dimensions]: [n, ...]."""
        index, weight = self.corners(states)
        return np.einsum("nk,nk...->n...", weight, values[index])


def interpolated(grid: Grid, move: Callable[[np.ndarray, int], Motion], actions: int) -> Model:
    """The finite problem in which a move ends at the corners round its true end, with their weights for probabilities.

    ``move`` maps states [n, dimensions] and an action's number to a ``Motion``. Solving the problem is dynamic
    programming with multilinear interpolation (Bellman 1957). All nodes are equally likely to be the first.
    """
    nodes = grid.nodes
    moves = [move(nodes, action) for action in range(actions)]
    ends = [grid.corners(each.following) for each in moves]
    reward = np.stack([each.reward for each in moves], axis=1).astype(np.float64)
    going = [np.where(each.terminated[:, None], 0.0, weight) for each, (_, weight) in zip(moves, ends, strict=True)]
    following = np.stack([index for index, _ in ends], axis=1).astype(np.int32)
    return Model(reward, np.stack(going, axis=1), following, np.full(len(nodes), 1.0 / len(nodes)))


def motion_of(env: FuncEnv[Any, Any, Any, Any, Any, Any, Any]) -> Callable[[np.ndarray, int], Motion]:
    """The moves, of states [n, dimensions], of a FuncEnv without noise whose state is a tuple of observed entries."""
    key = jax.random.key(0)
    kind: Any = type(env.initial(key))

    def one(point: Any, action: Any) -> tuple[Any, Any, Any]:
        state = kind(*point)
        after = env.transition(state, action, key)
        return env.observation(after, key), env.reward(state, action, after, key), env.terminal(after, key)

    many = jax.jit(jax.vmap(one, (0, None)))
    return lambda states, action: Motion(*map(np.asarray, many(np.asarray(states, np.float32), action)))
