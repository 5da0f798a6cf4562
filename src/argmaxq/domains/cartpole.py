"""Balance a pole on a cart: Gymnasium's CartPole, as functions of a state."""

import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame


class CartPoleState(NamedTuple):
    """Cart position [m] and velocity [m/s], pole angle from upright [rad] and its velocity [rad/s]; scalars."""

    position: Array
    velocity: Array
    angle: Array
    angular_velocity: Array


class CartPole(FuncEnv[CartPoleState, Array, Array, Array, Array, None, None]):
    """A cart is pushed left (action 0) or right (1); every step earns 1 until the pole falls or the cart leaves.

    With pole mass m, total mass M, half length l, force F, angle theta and theta', theta'' its derivatives::

        u       = (F + m l theta'^2 sin theta) / M
        theta'' = (g sin theta - u cos theta) / (l (4/3 - m cos^2 theta / M))
        x''     = u - m l theta'' cos theta / M

    integrated by explicit Euler steps, positions moving with the velocities from before the step.

    Sources: Barto, Sutton and Anderson (1983), "Neuronlike adaptive elements that can solve difficult learning control
    problems", for the task; the equations as corrected by Florian (2007), "Correct equations for the
    dynamics of the cart-pole system", without friction. Constants as in Gymnasium's CartPole-v1.
    """

    gravity = 9.8  # m/s^2
    cart_mass = 1.0  # kg
    pole_mass = 0.1  # kg
    half_length = 0.5  # m, from the joint to the pole's centre of mass
    force = 10.0  # N
    time_step = 0.02  # s
    position_limit = 2.4  # m
    angle_limit = math.radians(12)
    initial_range = 0.05  # every component starts uniformly within +- this

    # Twice the limits, so that an episode's final observation is still inside.
    _bound = np.array([2 * position_limit, np.inf, 2 * angle_limit, np.inf], np.float32)
    observation_space = Box(-_bound, _bound)
    action_space = Discrete(2)
    action_names = ("push left", "push right")
    render_fps = 50  # as fast as it happens
    observation_names: tuple[str, ...] = ("position [m]", "velocity [m/s]", "angle [rad]", "angular velocity [rad/s]")

    def initial(self, rng: Array, params: None = None) -> CartPoleState:
        """All four components uniform and small."""
        return CartPoleState(*jax.random.uniform(rng, (4,), jnp.float32, -self.initial_range, self.initial_range))

    def transition(self, state: CartPoleState, action: Array, rng: Array, params: None = None) -> CartPoleState:
        """One Euler step."""
        total_mass = self.cart_mass + self.pole_mass
        moment = self.pole_mass * self.half_length
        sin, cos = jnp.sin(state.angle), jnp.cos(state.angle)
        force = jnp.where(action == 1, self.force, -self.force)
        push = (force + moment * state.angular_velocity**2 * sin) / total_mass
        inertia = self.half_length * (4 / 3 - self.pole_mass * cos**2 / total_mass)
        angular_acceleration = (self.gravity * sin - cos * push) / inertia
        acceleration = push - moment * angular_acceleration * cos / total_mass
        return CartPoleState(
            state.position + self.time_step * state.velocity,
            state.velocity + self.time_step * acceleration,
            state.angle + self.time_step * state.angular_velocity,
            state.angular_velocity + self.time_step * angular_acceleration,
        )

    def observation(self, state: CartPoleState, rng: Array, params: None = None) -> Array:
        """The state as an array [4]."""
        return jnp.stack(state)

    def reward(
        self, state: CartPoleState, action: Array, next_state: CartPoleState, rng: Array, params: None = None
    ) -> Array:
        """1, for the step that ends the episode too."""
        return jnp.float32(1)

    def terminal(self, state: CartPoleState, rng: Array, params: None = None) -> Array:
        """Whether the cart is off the track or the pole has fallen."""
        return (jnp.abs(state.position) > self.position_limit) | (jnp.abs(state.angle) > self.angle_limit)

    def picture(self, state: CartPoleState) -> "pygame.Surface":
        """Cart and pole from the side."""
        from argmaxq.domains.drawings import classic

        return classic.pole(float(state.position), float(state.angle), self.position_limit, 2 * self.half_length)
