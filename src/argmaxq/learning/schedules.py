"""Schedules: numbers that change with env steps, finished episodes or gradient updates."""

from typing import Literal

import jax.numpy as jnp

from argmaxq.components.annotations import Count, Fraction, Number, Positive
from argmaxq.components.component import component
from argmaxq.roles import Schedule
from argmaxq.types import Array, Clock

Per = Literal["step", "episode", "update"]


def elapsed(clock: Clock, per: Per) -> Array:
    """The clock's reading that a schedule counts in, as float32."""
    return jnp.asarray(getattr(clock, per), jnp.float32)


@component(Schedule)
class Constant:
    """Always the same value.

    Attributes:
        value: The value.
    """

    value: Number = 0.1

    def __call__(self, clock: Clock) -> Array:
        return jnp.asarray(self.value, jnp.float32)


@component(Schedule)
class Linear:
    """From start to end in a straight line over ``duration``, then constant.

    Attributes:
        start: Value at time 0.
        end: Value from ``duration`` on.
        duration: Length of the decline, in units of ``per``.
        per: What time is counted in.
    """

    start: Number = 1.0
    end: Number = 0.05
    duration: Count = 10_000
    per: Per = "step"

    def __call__(self, clock: Clock) -> Array:
        progress = jnp.clip(elapsed(clock, self.per) / jnp.maximum(self.duration, 1), 0.0, 1.0)
        return self.start + (self.end - self.start) * progress


@component(Schedule)
class Exponential:
    """end + (start - end) exp(-t / scale).

    Attributes:
        start: Value at time 0.
        end: Value in the long run.
        scale: Time after which the distance to ``end`` has shrunk by the factor e.
        per: What time is counted in.
    """

    start: Number = 1.0
    end: Number = 0.05
    scale: Positive = 1_000.0
    per: Per = "step"

    def __call__(self, clock: Clock) -> Array:
        return self.end + (self.start - self.end) * jnp.exp(-elapsed(clock, self.per) / self.scale)


@component(Schedule)
class Multiplicative:
    """max(end, start * factor^t).

    Attributes:
        start: Value at time 0.
        end: The value below which it does not fall.
        factor: Factor per unit of time.
        per: What time is counted in.
    """

    start: Number = 1.0
    end: Number = 0.01
    factor: Fraction = 0.995
    per: Per = "episode"

    def __call__(self, clock: Clock) -> Array:
        return jnp.maximum(self.end, self.start * self.factor ** elapsed(clock, self.per))
