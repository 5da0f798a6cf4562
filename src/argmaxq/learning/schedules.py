"""Schedules: numbers that change with env steps, finished episodes, gradient updates or the share of the run done."""

import math
import numbers
from typing import Annotated, Any, Literal, TypeAlias

import jax.numpy as jnp

from argmaxq.components.adoption import adopts
from argmaxq.components.annotations import Bounds, Fraction, NonNegative, Number, Positive, Suits
from argmaxq.components.component import component
from argmaxq.roles import Schedule
from argmaxq.types import Array, Clock

Per = Literal["step", "episode", "update", "run"]


def elapsed(clock: Clock, per: Per) -> Array:
    """The clock's reading that a schedule counts in, as float32; per run it is the share of its env steps done.

    Result: [].

    Examples:
        >>> float(elapsed(aq.Clock(step=25, total=100), "run"))
        0.25
    """
    if per == "run":
        return jnp.asarray(clock.step, jnp.float32) / clock.total
    return jnp.asarray(getattr(clock, per), jnp.float32)


SHORTEST = 2.0**-30
"""A duration of 0 is as long: it is over with the first step."""


@component(Schedule)
class Constant:
    """Always the same value.

    Attributes:
        value: The value.

    Examples:
        >>> float(Constant(0.5)(aq.Clock(step=7)))
        0.5
    """

    value: Number = 0.1

    @property
    def extremes(self) -> tuple[float, float]:
        """The value, twice."""
        return self.value, self.value

    @property
    def zero_from(self) -> float:
        """Always, or never."""
        return 0.0 if self.value == 0 else math.inf

    def __call__(self, clock: Clock) -> Array:
        """The value, []."""
        return jnp.asarray(self.value, jnp.float32)


@component(Schedule)
class Linear:
    """From start to end in a straight line over ``duration``, then constant.

    Attributes:
        start: Value at time 0.
        end: Value from ``duration`` on.
        duration: Length of the decline, in units of ``per``; per run a share of it, such as 0.2.
        per: What time is counted in.

    Examples:
        >>> epsilon = Linear(start=1.0, end=0.0, duration=4)
        >>> [float(epsilon(aq.Clock(step=step))) for step in (0, 1, 9)]
        [1.0, 0.75, 0.0]
    """

    start: Number = 1.0
    end: Number = 0.05
    duration: NonNegative = 10_000.0
    per: Annotated[Per, "of duration"] = "step"

    @property
    def extremes(self) -> tuple[float, float]:
        """Where it starts and ends."""
        return self.start, self.end

    @property
    def zero_from(self) -> float:
        """The end of the decline, if it leads to 0."""
        return self.duration if self.end == 0 else math.inf

    def __call__(self, clock: Clock) -> Array:
        """The value now, []."""
        progress = jnp.clip(elapsed(clock, self.per) / jnp.maximum(self.duration, SHORTEST), 0.0, 1.0)
        return self.start + (self.end - self.start) * progress


@component(Schedule)
class Exponential:
    """end + (start - end) exp(-t / scale).

    Attributes:
        start: Value at time 0.
        end: Value in the long run.
        scale: Time after which the distance to ``end`` has shrunk by the factor e.
        per: What time is counted in.

    Examples:
        >>> round(float(Exponential(1.0, 0.0, scale=10)(aq.Clock(step=10))), 4)  # 1 / e
        0.3679
    """

    start: Number = 1.0
    end: Number = 0.05
    scale: Positive = 1_000.0
    per: Annotated[Per, "of scale"] = "step"

    @property
    def extremes(self) -> tuple[float, float]:
        """Where it starts and what it tends to."""
        return self.start, self.end

    @property
    def zero_from(self) -> float:
        """Never: it only comes near."""
        return 0.0 if self.start == self.end == 0 else math.inf

    def __call__(self, clock: Clock) -> Array:
        """The value now, []."""
        return self.end + (self.start - self.end) * jnp.exp(-elapsed(clock, self.per) / self.scale)


@component(Schedule)
class Multiplicative:
    """max(end, start * factor^t).

    Attributes:
        start: Value at time 0.
        end: The value below which it does not fall.
        factor: Factor per unit of time.
        per: What time is counted in.

    Examples:
        >>> halves = Multiplicative(1.0, 0.2, factor=0.5)
        >>> [round(float(halves(aq.Clock(episode=number))), 3) for number in (0, 2, 5)]
        [1.0, 0.25, 0.2]
    """

    start: Number = 1.0
    end: Number = 0.01
    factor: Fraction = 0.995
    per: Annotated[Per, "of factor"] = "episode"

    @property
    def extremes(self) -> tuple[float, float]:
        """Where it starts and ends."""
        return max(self.start, self.end), self.end

    @property
    def zero_from(self) -> float:
        """Never: it only comes near."""
        return 0.0 if self.start == self.end == 0 else math.inf

    def __call__(self, clock: Clock) -> Array:
        """The value now, []."""
        return jnp.maximum(self.end, self.start * self.factor ** elapsed(clock, self.per))


@adopts(Schedule)
def adopt(value: Any) -> Any:
    """The schedule that a plain number is taken for, which is always that number; None for anything else."""
    plain = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return Constant(float(value)) if plain else None


Probability: TypeAlias = (
    Annotated[
        Schedule,
        Bounds(0.0, 1.0),
        Suits(Linear(1.0, 0.05, 0.1, per="run"), Exponential(1.0, 0.05, 0.05, per="run")),
    ]
    | Any
)
"""A schedule of a probability, such as epsilon."""

LEARNING = "nothing is learnt at 0"
"""Marks schedules that learning stands still with."""

TO_ZERO = Linear(1.0, 0.0, 1.0, per="run")
"""From 1 to 0 over the run."""

Annealing: TypeAlias = (
    Annotated[
        Schedule,
        Bounds(0.0),
        Suits(
            Constant(1.0),
            TO_ZERO,
            Exponential(1.0, 0.0, 0.2, per="run"),
            Multiplicative(1.0, 0.0, 0.01, per="run"),
        ),
        LEARNING,
    ]
    | Any
)
"""A schedule of a factor on a learning rate; 1 leaves it as it is."""

StepSizes: TypeAlias = Annotated[Schedule, Bounds(0.0), LEARNING] | Any
"""A schedule of a step size."""

Spread: TypeAlias = Annotated[Schedule, Bounds(0.0)] | Any
"""A schedule of a standard deviation."""
