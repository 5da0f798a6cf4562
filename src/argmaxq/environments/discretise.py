"""A Gymnasium wrapper that cuts the box of an environment's observations into the cells of a grid."""

import math
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.lanes.observations import read_observations
from argmaxq.networks.bounds import assumptions, bounded
from argmaxq.networks.features import Bins


class Discretise(gym.ObservationWrapper[Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Observes the number of the cell instead of the numbers in the box: any tabular agent then fits.

    The cells are those of ``Table(cells=Bins(bins, low, high))``, which an agent carries with it; this wrapper is for
    agents that read a Discrete observation. What lies beyond the bounds belongs to the outermost cells.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        bins: int | tuple[int, ...] = 10,
        low: tuple[float, ...] = (),
        high: tuple[float, ...] = (),
    ) -> None:
        """Cut the observations of ``env``.

        Args:
            env: An environment with a Box of observations.
            bins: Cells along each entry; one number: as many along each.
            low: Least value of each entry; empty: the environment's own.
            high: Greatest value of each entry; empty: the environment's own.

        Raises:
            UserError: the observations are no Box, a bound is missing, infinite or not below the other, or bins are
                fewer than one, other in number than the entries, or so many that their product is no int32.
        """
        gym.utils.RecordConstructorArgs.__init__(self, bins=bins, low=low, high=high)
        super().__init__(env)
        if not isinstance(env.observation_space, spaces.Box):
            raise UserError(f"{type(env.observation_space).__name__} observations: only those in a Box can be cut")
        self.cells = _cells(env, (bins,) if isinstance(bins, int) else tuple(bins), tuple(low), tuple(high))
        self.observation_space = spaces.Discrete(self.cells.count)

    def observation(self, observation: Any) -> int:
        """The number of the cell."""
        return int(self.cells.cell(np.asarray(observation), np))


def _cells(env: gym.Env[Any, Any], bins: tuple[int, ...], low: tuple[float, ...], high: tuple[float, ...]) -> Bins:
    """The grid, with the environment's bounds where none are given."""
    if not np.isfinite((*low, *high)).all():
        raise UserError(f"low = {low}, high = {high}: bounds must be finite")
    spec, _ = read_observations(env.observation_space)
    if assumptions(spec, low, high):
        raise UserError(f"{env.observation_space} has no finite bounds everywhere: give low and high")
    grid = validate(Bins(bins, *bounded(spec, low, high)))
    if math.prod(grid.shape) > np.iinfo(np.int32).max:
        raise UserError(f"bins = {bins}: {math.prod(grid.shape):,} cells are more than a table can have")
    return grid
