"""Remember a sign along a corridor, and turn as it said: Bakker's T-maze."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

from argmaxq.components.errors import UserError
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

NORTH, EAST, SOUTH, WEST = range(4)


class TMazeState(NamedTuple):
    """Position from 0 on, which way is right (NORTH or SOUTH), and what was done last: stood still, turned, rightly."""

    position: Array
    goal: Array
    stood: Array
    turned: Array
    correct: Array


class TMaze(FuncEnv[TMazeState, Array, Array, Array, Array, None, None]):
    """A sign at the corridor's beginning says which way to turn at its end, ``length`` steps to the east.

    Turning rightly there earns 4, wrongly -0.1, and ends the episode. Walking into a wall earns -0.1, any other step
    0. So the best return is 4, and the best without memory 1.95. The observation is one of four rows of bits: 011 or
    110, the sign, for north or south; 101 in the corridor; 010 at the junction.

    Source: Bakker (2001), "Reinforcement learning with long short-term memory", section 4.
    """

    observation_space = Box(0.0, 1.0, (3,), np.float32)
    observation_names = ("bit 0", "bit 1", "bit 2")
    action_space = Discrete(4)
    action_names = ("north", "east", "south", "west")
    render_fps = 10

    def __init__(self, length: int = 20) -> None:
        """A corridor of ``length`` steps; raises UserError if that is below 1."""
        super().__init__()
        if length < 1:
            raise UserError(f"a T-maze of length {length}: it must be at least 1")
        self.length = length

    def initial(self, rng: Array, params: None = None) -> TMazeState:
        """At the sign, which says one thing as often as the other."""
        nothing = jnp.bool_(False)
        goal = jnp.where(jax.random.bernoulli(rng), NORTH, SOUTH)
        return TMazeState(jnp.int32(0), goal, nothing, nothing, nothing)

    def transition(self, state: TMazeState, action: Array, rng: Array, params: None = None) -> TMazeState:
        """One step, or none where a wall is."""
        step = jnp.where(action == EAST, 1, jnp.where(action == WEST, -1, 0))
        position = jnp.clip(state.position + step, 0, self.length)
        turned = (state.position == self.length) & (step == 0)
        stood = (position == state.position) & ~turned
        return TMazeState(position, state.goal, stood, turned, turned & (action == state.goal))

    def observation(self, state: TMazeState, rng: Array, params: None = None) -> Array:
        """The bits [3]."""
        sign = jnp.where(state.goal == NORTH, jnp.array([0, 1, 1]), jnp.array([1, 1, 0]))
        along = jnp.where(state.position == self.length, jnp.array([0, 1, 0]), jnp.array([1, 0, 1]))
        return jnp.where(state.position == 0, sign, along).astype(jnp.float32)

    def reward(
        self, state: TMazeState, action: Array, next_state: TMazeState, rng: Array, params: None = None
    ) -> Array:
        """4 for the right turn, -0.1 for the wrong one and for walking into a wall."""
        failed = next_state.stood | next_state.turned
        return jnp.where(next_state.correct, 4.0, jnp.where(failed, -0.1, 0.0))

    def terminal(self, state: TMazeState, rng: Array, params: None = None) -> Array:
        """Whether the agent has turned."""
        return state.turned

    def transition_info(
        self, state: TMazeState, action: Array, next_state: TMazeState, params: None = None
    ) -> dict[str, Array]:
        """``success``: whether this step was the right turn."""
        return {"success": next_state.correct}

    def picture(self, state: TMazeState) -> "pygame.Surface":
        """The maze from above."""
        from argmaxq.domains.drawings import memory

        return memory.maze(*state, length=self.length)
