"""Move a point to a target and catch it there: hybrid actions of which one has no parameter."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.domains import point
from argmaxq.domains.point import Point
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

MOVE, CATCH = 0, 1


class CatchPointState(NamedTuple):
    """The point, failed catches so far, and whether the target is caught."""

    point: Point
    failures: Array
    caught: Array


class CatchPoint(FuncEnv[CatchPointState, Array, Any, Array, Array, None, None]):
    """``move`` pushes in a direction, ``catch`` lets the point drift and catches a target that is near enough.

    An action is ``(index, (angle, nothing))``: the angle [1] is in half turns from the second axis, within +-1, and
    catching has no parameter, an array [0]. A step from velocity v and position x under force F::

        v <- 0.75 v + 0.1 F,  x <- x + 0.1 v,  F = 2 (sin(pi angle), cos(pi angle)), or 0 when catching

    and earns minus the squared distance, and 20 more for a catch within 0.2, which ends the episode. The observation is
    the velocity and the vector to the target; neither failed catches nor time are seen.

    Source: Li et al. (2022), "HyAR: addressing discrete-continuous action reinforcement learning via hybrid action
    representation". There an episode has 25 steps, and after more than ten failed catches one more step, whose reward
    is 0; here it ends with the eleventh failure itself.
    """

    max_failures = 10
    render_fps = 10

    observation_space = point.OBSERVATION_SPACE
    observation_names = point.OBSERVATION_NAMES
    action_names = ("move", "catch")
    action_space = Tuple([Discrete(2), Tuple([Box(-1, 1, (1,), np.float32), Box(-1, 1, (0,), np.float32)])])

    def initial(self, rng: Array, params: None = None) -> CatchPointState:
        """Point and target anywhere in the square, at rest."""
        return CatchPointState(point.start(rng), jnp.int32(0), jnp.bool_(False))

    def transition(self, state: CatchPointState, action: Any, rng: Array, params: None = None) -> CatchPointState:
        """Push or drift for one step, then try to catch."""
        index, (half_turns, _) = action
        catching = index == CATCH
        angle = math.pi * jnp.clip(half_turns[0], -1, 1)
        force = point.MAX_FORCE * jnp.stack([jnp.sin(angle), jnp.cos(angle)])
        moved = point.push(state.point, jnp.where(catching, 0, force))
        caught = catching & moved.at_target
        return CatchPointState(moved, state.failures + (catching & ~caught), caught)

    def observation(self, state: CatchPointState, rng: Array, params: None = None) -> Array:
        """Velocity and the vector to the target: [4]."""
        return point.observe(state.point)

    def reward(
        self, state: CatchPointState, action: Any, next_state: CatchPointState, rng: Array, params: None = None
    ) -> Array:
        """Minus the squared distance, plus 20 for catching."""
        return jnp.where(next_state.caught, point.SUCCESS_REWARD, 0) - next_state.point.squared_distance

    def terminal(self, state: CatchPointState, rng: Array, params: None = None) -> Array:
        """Whether the target is caught or too many catches have failed."""
        return state.caught | (state.failures > self.max_failures)

    def transition_info(
        self, state: CatchPointState, action: Any, next_state: CatchPointState, params: None = None
    ) -> dict[str, Array]:
        """``success``: whether this step caught the target; ``failures``: failed catches so far."""
        return {"success": next_state.caught, "failures": next_state.failures}

    def picture(self, state: CatchPointState) -> "pygame.Surface":
        """Point and target from above; a caught target is green."""
        from argmaxq.domains.drawings import points

        return points.picture(state.point, reached=bool(state.caught))
