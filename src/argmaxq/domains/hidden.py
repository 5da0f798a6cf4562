"""CartPole and MountainCar without their velocities, which only memory tells."""

import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box

from argmaxq.domains.cartpole import CartPole, CartPoleState
from argmaxq.domains.mountain_car import MountainCar, MountainCarState
from argmaxq.types import Array


class CartPoleHidden(CartPole):
    """CartPole of which only the cart's position and the pole's angle are seen (Wieland 1991)."""

    _seen = np.array([2 * CartPole.position_limit, 2 * CartPole.angle_limit], np.float32)
    observation_space = Box(-_seen, _seen)
    observation_names = ("position [m]", "angle [rad]")

    def observation(self, state: CartPoleState, rng: Array, params: None = None) -> Array:
        """Position and angle: [2]."""
        return jnp.stack([state.position, state.angle])


class MountainCarHidden(MountainCar):
    """MountainCar of which only the position is seen."""

    observation_space = Box(MountainCar.min_position, MountainCar.max_position, (1,), np.float32)
    observation_names = ("position",)

    def observation(self, state: MountainCarState, rng: Array, params: None = None) -> Array:
        """The position: [1]."""
        return state.position[jnp.newaxis]
