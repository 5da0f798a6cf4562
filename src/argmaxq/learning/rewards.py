"""What rewards are in learning: as they are, scaled, clipped, their signs, or divided by a running deviation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Number
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.normalisers import Moments, no_samples
from argmaxq.roles import Rewards
from argmaxq.types import Array, PyTree, Row


class _AsTheyAre:
    """What the kinds share: they differ in a reward, in a sum of rewards, or in what they remember."""

    def init(self, lanes: int) -> PyTree:
        """Nothing is remembered."""
        return ()

    def see(self, state: PyTree, rows: Row, gamma: Array) -> PyTree:
        """Nothing changes with rows [k, lanes]."""
        return state

    def each(self, reward: Array) -> Array:
        """Rewards [...] as they are."""
        return reward

    def total(self, state: PyTree, reward: Array) -> Array:
        """Sums of rewards [...] as they are."""
        return reward


@component(Rewards)
class Raw(_AsTheyAre):
    """As the environment gives them."""


@component(Rewards)
class Scale(_AsTheyAre):
    """Times a factor.

    Attributes:
        factor: On every reward, and so on every value.

    Examples:
        >>> float(Scale(0.5).total((), jnp.float32(8.0)))
        4.0
    """

    factor: Number = 1.0

    def total(self, state: PyTree, reward: Array) -> Array:
        """``factor`` times sums of rewards [...]."""
        return self.factor * reward


@component(Rewards)
class Clip(_AsTheyAre):
    """Each within a range, as Atari's in Mnih et al. (2015).

    Attributes:
        low: The least reward.
        high: The greatest.

    Examples:
        >>> Clip(-1.0, 1.0).each(jnp.array([-3.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """

    low: Number = -1.0
    high: Number = 1.0

    def check(self) -> None:
        """Look whether there is a range.

        Raises:
            UserError: ``low`` is not below ``high``.
        """
        if self.low >= self.high:
            raise UserError(f"low = {self.low:g} is not below high = {self.high:g}")

    def each(self, reward: Array) -> Array:
        """Rewards [...] within the range."""
        return jnp.clip(reward, self.low, self.high)


@component(Rewards)
class Sign(_AsTheyAre):
    """The sign of each: -1, 0 or 1.

    Examples:
        >>> Sign().each(jnp.array([-3.0, 0.0, 2.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    def each(self, reward: Array) -> Array:
        """The sign of rewards [...]: -1, 0 or 1."""
        return jnp.sign(reward)


class RunningReturns(NamedTuple):
    """What ``Running`` remembers of rewards.

    Attributes:
        moments: Of all discounted sums of rewards so far.
        sums: Each lane's present sum, [lanes].
    """

    moments: Moments
    sums: Array


@component(Rewards)
class Running(_AsTheyAre):
    """Divided by the deviation of their discounted sums, as seen so far (Engstrom et al. 2020; Elsayed et al. 2024).

    So targets are of one size whatever the environment's rewards are. What was replayed is divided by the newest
    deviation; their mean is not taken off, which would change what is best where episodes may end.
    """

    def init(self, lanes: int) -> RunningReturns:
        """No samples yet; a sum of 0 for each lane."""
        return RunningReturns(no_samples(), jnp.zeros(lanes, jnp.float32))

    def see(self, state: Any, rows: Row, gamma: Array) -> RunningReturns:
        """With the discounted sums of rewards after each of rows [k, lanes]; they begin anew with each episode."""

        def one(sums: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
            reward, over = row
            sums = reward + gamma * sums
            return jnp.where(over, 0.0, sums), sums

        over = rows.terminated | rows.truncated | rows.last
        sums, totals = jax.lax.scan(one, state.sums, (rows.reward, over))
        return RunningReturns(state.moments.merged(totals.ravel(), ~rows.last.ravel()), sums)

    def total(self, state: Any, reward: Array) -> Array:
        """Sums of rewards [...] as shares of the standard deviation."""
        return reward / state.moments.deviation
