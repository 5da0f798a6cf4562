"""Remember what was seen at the beginning: bsuite's memory chain."""

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


class MemoryChainState(NamedTuple):
    """The bits (0 or 1) [bits], the number of the one that is asked for, steps taken, and whether it was answered."""

    bits: Array
    query: Array
    step: Array
    correct: Array


class MemoryChain(FuncEnv[MemoryChainState, Array, Array, Array, Array, None, None]):
    """At first some bits are seen; ``length`` steps later one of them is asked for, and the action has to repeat it.

    The last action earns 1 if it is right and -1 if not; none before it matters. The best return is 1, and that of
    every policy without memory 0. The observation is the share of the time that is left, which bit is asked for (0
    until the last one), and the bits as -1 or 1 (0 after the first two observations, which are the same).

    Source: Osband et al. (2020), "Behaviour suite for reinforcement learning", the experiment ``memory_len``.
    """

    action_space = Discrete(2)
    action_names = ("0", "1")
    render_fps = 10

    def __init__(self, length: int = 30, bits: int = 1) -> None:
        """An episode has ``length`` + 1 actions.

        Raises:
            UserError: if either is below 1.
        """
        super().__init__()
        if min(length, bits) < 1:
            raise UserError(f"a memory chain of length {length} with {bits} bits: both must be at least 1")
        self.length, self.bits = length, bits
        low, high = np.full(2 + bits, -1, np.float32), np.ones(2 + bits, np.float32)
        low[:2], high[1] = 0, max(bits - 1, 1)
        self.observation_space = Box(low, high)
        self.observation_names = ("time left", "query", *(f"bit {number}" for number in range(bits)))

    def initial(self, rng: Array, params: None = None) -> MemoryChainState:
        """Random bits and a random query."""
        first, second = jax.random.split(rng)
        bits = jax.random.bernoulli(first, 0.5, (self.bits,)).astype(jnp.int32)
        return MemoryChainState(bits, jax.random.randint(second, (), 0, self.bits), jnp.int32(0), jnp.bool_(False))

    def transition(self, state: MemoryChainState, action: Array, rng: Array, params: None = None) -> MemoryChainState:
        """Time goes on."""
        return state._replace(step=state.step + 1, correct=action == state.bits[state.query])

    def observation(self, state: MemoryChainState, rng: Array, params: None = None) -> Array:
        """Time left, query and bits: [2 + bits]."""
        now = jnp.maximum(state.step - 1, 0)
        query = jnp.where(now == self.length - 1, state.query, 0)
        seen = jnp.where(now == 0, 2 * state.bits - 1, 0)
        return jnp.concatenate([jnp.stack([1 - now / self.length, query]), seen]).astype(jnp.float32)

    def reward(
        self,
        state: MemoryChainState,
        action: Array,
        next_state: MemoryChainState,
        rng: Array,
        params: None = None,
    ) -> Array:
        """For the last action 1 or -1."""
        answer = jnp.where(next_state.correct, 1.0, -1.0)
        return jnp.where(next_state.step > self.length, answer, 0.0)

    def terminal(self, state: MemoryChainState, rng: Array, params: None = None) -> Array:
        """Whether the question was answered."""
        return state.step > self.length

    def transition_info(
        self, state: MemoryChainState, action: Array, next_state: MemoryChainState, params: None = None
    ) -> dict[str, Array]:
        """``success``: whether this step's action was the right bit."""
        return {"success": next_state.correct}

    def picture(self, state: MemoryChainState) -> "pygame.Surface":
        """Time as a row of beads, and the bits above it."""
        from argmaxq.domains.drawings import memory

        return memory.chain(*state, length=self.length)
