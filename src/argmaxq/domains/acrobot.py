"""Swing a two-link pendulum up by its middle joint: Gymnasium's Acrobot, as functions of a state."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

from argmaxq.types import Array


class AcrobotState(NamedTuple):
    """First link's angle from hanging down, second link's angle from the first [rad], their velocities [rad/s]."""

    angle_1: Array
    angle_2: Array
    velocity_1: Array
    velocity_2: Array


class Acrobot(FuncEnv[AcrobotState, Array, Array, Array, Array, None, None]):
    """A torque of -1, 0 or 1 (actions 0, 1, 2) acts between the links; every step costs 1 until the tip is high.

    Both links have mass m, length l, moment of inertia I, and their centre of mass at c. With angles a and b,
    velocities a' and b', torque tau::

        d1   = m c^2 + m (l^2 + c^2 + 2 l c cos b) + 2 I
        d2   = m (c^2 + l c cos b) + I
        phi2 = m c g cos(a + b - pi/2)
        phi1 = -m l c b'^2 sin b - 2 m l c b' a' sin b + (m c + m l) g cos(a - pi/2) + phi2
        b''  = (tau + d2/d1 phi1 - m l c a'^2 sin b - phi2) / (m c^2 + I - d2^2/d1)
        a''  = -(d2 b'' + phi1) / d1

    integrated by one fourth-order Runge-Kutta step; then angles are wrapped to [-pi, pi] and velocities clipped.

    Sources: Sutton (1996), "Generalization in reinforcement learning: successful examples using sparse coarse coding",
    with the equations of Sutton and Barto, "Reinforcement learning: an introduction" (first edition, figure 11.5),
    which have the term in a'^2 that the paper's print lacks. Constants as in Gymnasium's Acrobot-v1.
    """

    gravity = 9.8  # m/s^2
    mass = 1.0  # kg
    length = 1.0  # m
    centre_of_mass = 0.5  # m from the link's upper joint
    moment_of_inertia = 1.0  # kg m^2
    torque = 1.0  # N m
    time_step = 0.2  # s
    max_velocity_1 = 4 * math.pi  # rad/s
    max_velocity_2 = 9 * math.pi  # rad/s
    goal_height = 1.0  # m above the fixed joint
    initial_range = 0.1  # every component starts uniformly within +- this

    _bound = np.array([1, 1, 1, 1, max_velocity_1, max_velocity_2], np.float32)
    observation_space = Box(-_bound, _bound)
    action_space = Discrete(3)
    action_names = ("torque -1", "torque 0", "torque +1")
    observation_names = (
        *("cos angle 1", "sin angle 1", "cos angle 2", "sin angle 2"),
        *("velocity 1 [rad/s]", "velocity 2 [rad/s]"),
    )

    def initial(self, rng: Array, params: None = None) -> AcrobotState:
        """Hanging down, nearly at rest."""
        return AcrobotState(*jax.random.uniform(rng, (4,), jnp.float32, -self.initial_range, self.initial_range))

    def transition(self, state: AcrobotState, action: Array, rng: Array, params: None = None) -> AcrobotState:
        """One Runge-Kutta step under constant torque."""
        torque = self.torque * (action - 1)
        moved = runge_kutta(lambda now: self.derivative(now, torque), state, self.time_step)
        return AcrobotState(
            wrap(moved.angle_1),
            wrap(moved.angle_2),
            jnp.clip(moved.velocity_1, -self.max_velocity_1, self.max_velocity_1),
            jnp.clip(moved.velocity_2, -self.max_velocity_2, self.max_velocity_2),
        )

    def derivative(self, state: AcrobotState, torque: Array) -> AcrobotState:
        """The state's change per second; cos(x - pi/2) is written sin x."""
        m, length, c, inertia, g = self.mass, self.length, self.centre_of_mass, self.moment_of_inertia, self.gravity
        a, b, va, vb = state
        sin_b, cos_b = jnp.sin(b), jnp.cos(b)
        d1 = m * c**2 + m * (length**2 + c**2 + 2 * length * c * cos_b) + 2 * inertia
        d2 = m * (c**2 + length * c * cos_b) + inertia
        phi2 = m * c * g * jnp.sin(a + b)
        phi1 = -m * length * c * vb * (vb + 2 * va) * sin_b + m * (c + length) * g * jnp.sin(a) + phi2
        drive = torque + d2 / d1 * phi1 - m * length * c * va**2 * sin_b - phi2
        acceleration_2 = drive / (m * c**2 + inertia - d2**2 / d1)
        acceleration_1 = -(d2 * acceleration_2 + phi1) / d1
        return AcrobotState(va, vb, acceleration_1, acceleration_2)

    def observation(self, state: AcrobotState, rng: Array, params: None = None) -> Array:
        """cos and sin of the first angle, cos and sin of the second, both velocities: [6]."""
        a, b, va, vb = state
        return jnp.stack([jnp.cos(a), jnp.sin(a), jnp.cos(b), jnp.sin(b), va, vb])

    def reward(
        self, state: AcrobotState, action: Array, next_state: AcrobotState, rng: Array, params: None = None
    ) -> Array:
        """-1, but 0 for the step that reaches the goal."""
        return jnp.where(self.terminal(next_state, rng, params), jnp.float32(0), jnp.float32(-1))

    def terminal(self, state: AcrobotState, rng: Array, params: None = None) -> Array:
        """Whether the tip is above the goal height."""
        return -jnp.cos(state.angle_1) - jnp.cos(state.angle_1 + state.angle_2) > self.goal_height


def runge_kutta(derivative: Callable[[AcrobotState], AcrobotState], state: AcrobotState, step: float) -> AcrobotState:
    """The classical fourth-order step, unrolled; ``derivative`` maps a state to its change per second."""

    def ahead(slope: AcrobotState, duration: float) -> AcrobotState:
        return AcrobotState(*(x + duration * change for x, change in zip(state, slope, strict=True)))

    k1 = derivative(state)
    k2 = derivative(ahead(k1, step / 2))
    k3 = derivative(ahead(k2, step / 2))
    k4 = derivative(ahead(k3, step))
    mean = ((s1 + 2 * s2 + 2 * s3 + s4) / 6 for s1, s2, s3, s4 in zip(k1, k2, k3, k4, strict=True))
    return ahead(AcrobotState(*mean), step)


def wrap(angle: Array) -> Array:
    """The same angle in [-pi, pi]."""
    return angle - 2 * math.pi * jnp.round(angle / (2 * math.pi))
