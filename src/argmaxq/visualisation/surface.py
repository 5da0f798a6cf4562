"""What a trained agent thinks of each place: its action values on a plane through the observations, or on a map."""

import dataclasses
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.source import single
from argmaxq.networks.bounds import ASSUMED
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.reporting.names import family
from argmaxq.verbs.policy import Policy

POINTS = 201
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}


@dataclasses.dataclass(frozen=True)
class Plane:
    """Two entries of the observation (or one), the others held at the middle of their bounds.

    Attributes:
        entries: Which entries, the horizontal axis first.
        axes: Their values, an array for each.
        middle: The whole observation in the middle.
        shape: Of an observation.
    """

    entries: tuple[int, ...]
    axes: tuple[np.ndarray, ...]
    middle: np.ndarray
    shape: tuple[int, ...]

    @property
    def observations(self) -> np.ndarray:
        """All of them, [points, ..., *shape] with an axis for each entry."""
        grid = np.meshgrid(*self.axes, indexing="ij")
        every = np.broadcast_to(self.middle, (*grid[0].shape, len(self.middle))).copy()
        for entry, values in zip(self.entries, grid, strict=True):
            every[..., entry] = values
        return every.reshape(*grid[0].shape, *self.shape)


def plane(policy: Policy, entries: tuple[int, ...]) -> Plane:
    """The plane through the middle of an environment's observations along some entries.

    Raises:
        UserError: the observation is an index, has no such entries, or is not made of few numbers.
    """
    spec = policy.adaptor.spaces.observation
    size = len(spec.low)
    if spec.categories or not size or len(spec.shape) != 1:
        raise UserError("phase diagrams need observations that are a row of numbers")
    chosen = entries or tuple(range(min(size, 2)))
    if len(chosen) > 2 or any(not 0 <= entry < size for entry in chosen) or len({*chosen}) < len(chosen):
        raise UserError(f"entries {', '.join(map(str, chosen))}: one or two different ones from 0 to {size - 1}")
    low = np.array([bound if abs(bound) < UNBOUNDED else -ASSUMED for bound in spec.low])
    high = np.array([bound if abs(bound) < UNBOUNDED else ASSUMED for bound in spec.high])
    axes = tuple(np.linspace(low[entry], high[entry], POINTS) for entry in chosen)
    return Plane(chosen, axes, (low + high) / 2, spec.shape)


def values_at(policy: Policy, observations: np.ndarray) -> np.ndarray:
    """Action values [..., actions] at observations [..., *shape].

    Raises:
        UserError: the agent has no values of actions alone.
    """
    shape = policy.adaptor.spaces.observation.shape
    flat = observations.reshape(-1, *shape)
    if not hasattr(policy.agent, "values"):
        raise UserError(f"{type(policy.agent).__name__} has no values of single actions to draw")
    found = policy.values(flat)
    return found.reshape(*observations.shape[: observations.ndim - len(shape)], -1)


@dataclasses.dataclass(frozen=True)
class Map:
    """A gridworld: letters [rows, columns] of its cells, and which state each cell is."""

    letters: np.ndarray
    states: np.ndarray


def gridworld(env: Env) -> Map:
    """The map of FrozenLake or CliffWalking.

    Raises:
        UserError: the environment has no map of its states.
    """
    made: Any = single(env).unwrapped
    made.close()
    if hasattr(made, "desc") and hasattr(made, "nrow"):
        letters = np.array([[cell.decode() for cell in row] for row in made.desc])
    elif family(env).startswith("CliffWalking"):
        letters = np.where(made._cliff, "C", " ")
        letters[-1, [0, -1]] = "S", "G"
    else:
        raise UserError(f"{env.id} has no map: its states are not the cells of one")
    return Map(letters, np.arange(letters.size).reshape(letters.shape))
