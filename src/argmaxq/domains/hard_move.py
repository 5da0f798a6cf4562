"""Move a point to a target with n actuators, any set of which is a discrete action with one parameter."""

import math
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.components.errors import UserError
from argmaxq.domains import point
from argmaxq.domains.point import Point
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

MAX_ACTUATORS = 12


class HardMove(FuncEnv[Point, Array, Any, Array, Array, None, None]):
    """Every set of actuators is an action: 2^n of them, each with its own strength in [-1, 1].

    An action is ``(index, strengths)``; bit i of the index says whether actuator i is on. The strengths are either a
    tuple of 2^n arrays [1], as in the action space, or one array [2^n] or [2^n, 1]; only the chosen one counts.
    Actuator i pulls towards the angle 2 pi i / n, and a set towards the sum of its unit vectors, divided by the length
    of the longest such sum of all sets. A step from velocity v and position x::

        v <- 0.75 v + 0.1 F,  x <- x + 0.1 v,  F = 2 strength direction

    earns minus the squared distance, and 20 more within 0.2 of the target, which ends the episode. The observation is
    the velocity and the vector to the target. Where sums cancel, different sets have the same direction, or none: of 16
    sets of 4 actuators four do nothing, and each single direction belongs to two.

    Source: Li et al. (2022), "HyAR: addressing discrete-continuous action reinforcement learning via hybrid action
    representation", where n is 4, 6, 8 or 10 and an episode has 30 steps.
    """

    render_fps = 10
    observation_space = point.OBSERVATION_SPACE
    observation_names = point.OBSERVATION_NAMES

    def __init__(self, n: int = 4) -> None:
        """``n`` actuators.

        Raises:
            UserError: if there are fewer than 1 or more than 12 (4,096 actions).
        """
        super().__init__()
        if not 1 <= n <= MAX_ACTUATORS:
            raise UserError(f"Hard Move has 1 to {MAX_ACTUATORS} actuators, not {n}")
        self.n = n
        self.directions = directions(n)
        self.action_space = Tuple([Discrete(2**n), Tuple([Box(-1, 1, (1,), np.float32)] * 2**n)])

    def initial(self, rng: Array, params: None = None) -> Point:
        """Point and target anywhere in the square, at rest."""
        return point.start(rng)

    def transition(self, state: Point, action: Any, rng: Array, params: None = None) -> Point:
        """One step under the chosen actuators."""
        index, strengths = action
        if isinstance(strengths, tuple | list):
            strengths = jnp.concatenate(strengths)
        strength = jnp.clip(jnp.ravel(strengths)[index], -1, 1)
        return point.push(state, point.MAX_FORCE * strength * jnp.asarray(self.directions)[index])

    def observation(self, state: Point, rng: Array, params: None = None) -> Array:
        """Velocity and the vector to the target: [4]."""
        return point.observe(state)

    def reward(self, state: Point, action: Any, next_state: Point, rng: Array, params: None = None) -> Array:
        """Minus the squared distance, plus 20 at the target."""
        return jnp.where(next_state.at_target, point.SUCCESS_REWARD, 0) - next_state.squared_distance

    def terminal(self, state: Point, rng: Array, params: None = None) -> Array:
        """Whether the point is at the target."""
        return state.at_target

    def transition_info(self, state: Point, action: Any, next_state: Point, params: None = None) -> dict[str, Array]:
        """``success``: whether this step reached the target."""
        return {"success": next_state.at_target}

    def picture(self, state: Point) -> "pygame.Surface":
        """Point, actuators and target from above; a target that is reached is green."""
        from argmaxq.domains.drawings import points

        return points.picture(state, self.n, bool(self.terminal(state, None)))


def directions(n: int) -> np.ndarray:
    """The direction of every set of n actuators [2^n, 2]; the longest has length 1."""
    angles = 2 * math.pi * np.arange(n) / n
    sets = np.arange(2**n)[:, None] >> np.arange(n) & 1
    sums = sets @ np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return (sums / np.linalg.norm(sums, axis=-1).max()).astype(np.float32)
