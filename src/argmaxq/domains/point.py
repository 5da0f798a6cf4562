"""A point with momentum in an endless plane and a target to reach: the core of Catch Point and Hard Move."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box

from argmaxq.types import Array

TIME_STEP = 0.1
KEPT_VELOCITY = 0.75  # of the velocity, in each step
START_RANGE = 1.0  # point and target start uniformly within +- this on both axes
TARGET_RADIUS = 0.2
SUCCESS_REWARD = 20.0
MAX_FORCE = 2.0

OBSERVATION_SPACE = Box(np.array([-1, -1, -np.inf, -np.inf], np.float32), np.array([1, 1, np.inf, np.inf], np.float32))
"""Velocity, which no force can bring to 1, and the target as seen from the point."""
OBSERVATION_NAMES = ("velocity along x", "velocity along y", "target ahead along x", "target ahead along y")


class Point(NamedTuple):
    """The point's position [2] and velocity [2], the target's position [2], and the force [2] that has just acted."""

    position: Array
    velocity: Array
    target: Array
    force: Array

    @property
    def to_target(self) -> Array:
        """The vector from the point to the target [2]."""
        return self.target - self.position

    @property
    def squared_distance(self) -> Array:
        """From the point to the target."""
        return jnp.sum(jnp.square(self.to_target))

    @property
    def at_target(self) -> Array:
        """Whether the target is within its radius."""
        return self.squared_distance <= TARGET_RADIUS**2


def start(rng: Array) -> Point:
    """Point and target anywhere in the square, at rest."""
    position, target = jax.random.uniform(rng, (2, 2), jnp.float32, -START_RANGE, START_RANGE)
    rest = jnp.zeros(2, jnp.float32)
    return Point(position, rest, target, rest)


def push(point: Point, force: Array) -> Point:
    """One step under a force [2]: the velocity first, then the position with the new velocity."""
    velocity = KEPT_VELOCITY * point.velocity + TIME_STEP * force
    return Point(point.position + TIME_STEP * velocity, velocity, point.target, force)


def observe(point: Point) -> Array:
    """Velocity, then the vector to the target: [4]."""
    return jnp.concatenate([point.velocity, point.to_target])
