"""Drive a weak car out of a valley: Gymnasium's MountainCar, as functions of a state."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame


class MountainCarState(NamedTuple):
    """Position and velocity of the car, in the original's units without names; scalars."""

    position: Array
    velocity: Array


class MountainCar(FuncEnv[MountainCarState, Array, Array, Array, Array, None, None]):
    """A car is pushed left (action 0), not at all (1) or right (2); every step costs 1 until it is at the goal.

    ::

        velocity <- clip(velocity + 0.001 (action - 1) - 0.0025 cos(3 position))
        position <- clip(position + velocity)

    The wall on the left stops the car: it takes its velocity.

    Sources: Moore (1990), "Efficient memory-based learning for robot control"; the equations are those of Sutton and
    Barto (2018), "Reinforcement learning: an introduction", example 10.1. Constants as in Gymnasium's MountainCar-v0,
    whose right wall (0.6) lies beyond the goal.
    """

    min_position = -1.2
    max_position = 0.6
    max_speed = 0.07
    goal_position = 0.5
    goal_velocity = 0.0
    force = 0.001
    gravity = 0.0025
    initial_range = (-0.6, -0.4)  # the position starts uniformly in here, at rest

    observation_space = Box(
        np.array([min_position, -max_speed], np.float32), np.array([max_position, max_speed], np.float32)
    )
    action_space = Discrete(3)
    action_names = ("push left", "coast", "push right")
    observation_names: tuple[str, ...] = ("position", "velocity [1/step]")

    def initial(self, rng: Array, params: None = None) -> MountainCarState:
        """Near the valley's bottom, at rest."""
        low, high = self.initial_range
        return MountainCarState(jax.random.uniform(rng, (), jnp.float32, low, high), jnp.float32(0))

    def transition(self, state: MountainCarState, action: Array, rng: Array, params: None = None) -> MountainCarState:
        """One step: the velocity first, then the position with the new velocity."""
        velocity = state.velocity + self.force * (action - 1) - self.gravity * jnp.cos(3 * state.position)
        velocity = jnp.clip(velocity, -self.max_speed, self.max_speed)
        position = jnp.clip(state.position + velocity, self.min_position, self.max_position)
        stopped = (position <= self.min_position) & (velocity < 0)
        return MountainCarState(position, jnp.where(stopped, 0, velocity))

    def observation(self, state: MountainCarState, rng: Array, params: None = None) -> Array:
        """The state as an array [2]."""
        return jnp.stack(state)

    def reward(
        self, state: MountainCarState, action: Array, next_state: MountainCarState, rng: Array, params: None = None
    ) -> Array:
        """-1, for the step that reaches the goal too."""
        return jnp.float32(-1)

    def terminal(self, state: MountainCarState, rng: Array, params: None = None) -> Array:
        """Whether the car is at the goal and not rolling back."""
        return (state.position >= self.goal_position) & (state.velocity >= self.goal_velocity)

    def picture(self, state: MountainCarState) -> "pygame.Surface":
        """The car in its valley from the side."""
        from argmaxq.domains.drawings import classic

        return classic.car(float(state.position), (self.min_position, self.max_position), self.goal_position)
