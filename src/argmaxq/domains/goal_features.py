"""What an agent sees of Goal: the state as it is, or the 17 scaled features of published results."""

import math

import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box

from argmaxq.domains.soccer import HALF_GOAL, HALF_WIDTH, LENGTH, Scene
from argmaxq.types import Array

_PLAYER = (LENGTH, HALF_WIDTH, 1.0, 1.0, math.pi)
_HIGH = np.array([*_PLAYER, *_PLAYER, LENGTH, HALF_WIDTH, 3.0, 3.0], np.float32)
_LOW = np.where(np.arange(14) % 5 == 0, 0, -_HIGH).astype(np.float32)  # x is at 0, 5 and 10

_MARGIN = np.array([5, 5, 0, 0, math.pi] * 2 + [5, 5, 0, 0], np.float32)
STATE_SPACE = Box(_LOW - _MARGIN, _HIGH + _MARGIN)
"""Wider than the pitch, as episodes end outside of it, and legacy orientations may pass a half turn."""
FEATURE_SPACE = Box(-1, 1, (17,), np.float32)

_BODY = (
    "x of the {} [m]",
    "y of the {} [m]",
    "velocity of the {} along x [m/micro-step]",
    "velocity of the {} along y [m/micro-step]",
)
_TURNED = (*_BODY, "orientation of the {} [rad]")
STATE_NAMES = tuple(
    name.format(who) for who, names in (("player", _TURNED), ("keeper", _TURNED), ("ball", _BODY)) for name in names
)
FEATURE_NAMES = (
    *STATE_NAMES,
    *("direction from keeper to ball along x", "direction from keeper to ball along y"),
    "place of the keeper on the goal line [m]",
)


def state_vector(scene: Scene) -> Array:
    """Position, velocity and orientation of player and keeper, position and velocity of the ball: [14], unscaled."""
    player, keeper, ball = scene
    bodies = [*player[:2], player.orientation[None], *keeper[:2], keeper.orientation[None], *ball[:2]]
    return jnp.concatenate(bodies)


def feature_ranges(legacy: bool = False) -> tuple[tuple[float, float], ...]:
    """What -1 and 1 of each feature stand for."""
    state = zip(_LOW.tolist(), _HIGH.tolist(), strict=True)
    return *state, (-1.0, 1.0), (-1.0, 1.0), (-HALF_GOAL, _far_end(legacy))


def features(scene: Scene, legacy: bool = False) -> Array:
    """The state, the direction from keeper to ball [2], and the keeper's place on the goal line: [17] in [-1, 1].

    What lies beyond the pitch is shown at its edge. The keeper's place is where the line from the ball through the
    keeper meets the goal line, clipped to the goal; the reference clips it on one side at the goal's whole width, and
    so does ``legacy``.

    Source: Bester, James and Konidaris (2019), "Multi-pass Q-networks for deep reinforcement learning with
    parameterised action spaces", whose implementation adds these three.
    """
    gap = scene.ball.position - scene.keeper.position
    distance = jnp.sqrt(jnp.sum(jnp.square(gap)))
    direction = gap / jnp.maximum(distance, 1e-6)
    high = _far_end(legacy)
    place = (keeper_projection(scene, high) + HALF_GOAL) / (high + HALF_GOAL)
    state = (state_vector(scene) - _LOW) / (_HIGH - _LOW)
    return jnp.clip(jnp.concatenate([2 * state - 1, direction, 2 * place[None] - 1]), -1, 1)


def _far_end(legacy: bool) -> float:
    """The greatest place of the keeper on the goal line."""
    return 2 * HALF_GOAL if legacy else HALF_GOAL


def keeper_projection(scene: Scene, high: float = HALF_GOAL) -> Array:
    """y where the line from the ball through the keeper meets the goal line, in [-7.01, ``high``]."""
    (ball_x, ball_y), (keeper_x, keeper_y) = scene.ball.position, scene.keeper.position
    level = keeper_x == ball_x
    slope = (keeper_y - ball_y) / jnp.where(level, 1.0, keeper_x - ball_x)
    parallel = jnp.where(keeper_y < ball_y, -HALF_GOAL, HALF_GOAL)
    return jnp.where(level, parallel, jnp.clip(ball_y + slope * (LENGTH - ball_x), -HALF_GOAL, high))
