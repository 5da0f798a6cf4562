"""What a trained agent thinks of each place: its action values on a plane through the observations, or on a map."""

import dataclasses
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.source import single
from argmaxq.networks.bounds import ASSUMED
from argmaxq.networks.convolutional.images import is_picture
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.networks.linear import Table
from argmaxq.reporting.names import family
from argmaxq.verbs.policy import Policy

POINTS = 201
MARGIN = 0.05
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}


@dataclasses.dataclass(frozen=True)
class Plane:
    """Two entries of the observation (or one), the others held where episodes mostly are.

    Attributes:
        entries: Which entries, the horizontal axis first.
        axes: Their values, an array for each.
        middle: The whole observation at the medians of what was seen.
        shape: Of an observation.
        whole: Whether these are all observations that there are.
    """

    entries: tuple[int, ...]
    axes: tuple[np.ndarray, ...]
    middle: np.ndarray
    shape: tuple[int, ...]
    whole: bool

    @property
    def held(self) -> list[int]:
        """The entries that are not axes."""
        return [entry for entry in range(len(self.middle)) if entry not in self.entries]

    @property
    def observations(self) -> np.ndarray:
        """All of them, [points, ..., *shape] with an axis for each entry."""
        grid = np.meshgrid(*self.axes, indexing="ij")
        every = np.broadcast_to(self.middle, (*grid[0].shape, len(self.middle))).copy()
        for entry, values in zip(self.entries, grid, strict=True):
            every[..., entry] = values
        return every.reshape(*grid[0].shape, *self.shape)


def axes_of(policy: Policy, entries: tuple[int, ...]) -> tuple[int, ...]:
    """The entries of the observation that are drawn along: those asked for, or the first two.

    Raises:
        UserError: the observation is an index, has no such entries, or is not made of few numbers.
    """
    spec = policy.adaptor.spaces.observation
    size = len(spec.low)
    if spec.categories or not size or len(spec.shape) != 1:
        other = "observation" if is_picture(spec) or spec.parts else "choices"
        raise UserError(
            f"phase, value and visits need observations that are a Box with a row of numbers, or a state: draw {other}"
        )
    chosen = entries or tuple(range(min(size, 2)))
    if len(chosen) > 2 or any(not 0 <= entry < size for entry in chosen) or len({*chosen}) < len(chosen):
        raise UserError(f"entries {', '.join(map(str, chosen))}: one or two different ones from 0 to {size - 1}")
    return chosen


def plane(policy: Policy, chosen: tuple[int, ...], seen: np.ndarray) -> Plane:
    """The plane along some entries, over where observations ``seen`` [n, ...] lie, the other entries at their medians.

    Where all entries are axes and bounded, it is the whole space.
    """
    spec = policy.adaptor.spaces.observation
    whole = len(chosen) == len(spec.low) and all(abs(bound) < UNBOUNDED for bound in (*spec.low, *spec.high))
    bounds = [(spec.low[entry], spec.high[entry]) for entry in chosen]
    spans = bounds if whole else [_span(seen[:, entry], *pair) for entry, pair in zip(chosen, bounds, strict=True)]
    axes = tuple(np.linspace(*span, POINTS) for span in spans)
    return Plane(chosen, axes, np.median(seen, axis=0), spec.shape, whole)


def _span(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """From the least to the greatest value, with a margin within the bounds; the bounds where there is but one."""
    least, greatest = float(values.min()), float(values.max())
    margin = MARGIN * (greatest - least)
    if margin > 0:
        return max(low, least - margin), min(high, greatest + margin)
    return (low if abs(low) < UNBOUNDED else least - ASSUMED), (high if abs(high) < UNBOUNDED else greatest + ASSUMED)


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


def learnt(policy: Policy, q: np.ndarray) -> np.ndarray:
    """Where action values ``q`` [..., actions] are not a table's initial ones, bool [...]; of no table, everywhere."""
    network = getattr(policy.agent, "network", None)
    if not isinstance(network, Table):
        return np.ones(q.shape[:-1], bool)
    return np.asarray((q != np.float32(network.initial)).any(axis=-1))


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
