"""Environments given by transition tables, such as Gymnasium's FrozenLake, Taxi and CliffWalking."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Discrete

from argmaxq.exact.model import Outcomes
from argmaxq.types import Array


class TableState(NamedTuple):
    """Where one is (int32), and with what reward and whether at an end one came there; scalars."""

    state: Array
    reward: Array
    terminated: Array


class Tables(FuncEnv[TableState, Array, Array, Array, Array, None, None]):
    """Draws what follows a state and an action from tables; the state's number is the observation.

    Attributes:
        outcomes: The tables, arrays [states, actions, outcomes].
    """

    def __init__(self, outcomes: Outcomes) -> None:
        states, actions, self._width = outcomes.probability.shape
        self.observation_space, self.action_space = Discrete(states), Discrete(actions)
        self._actions = actions
        # Likely outcomes first, for the last one with any probability also takes what rounding leaves over.
        order = np.argsort(-outcomes.probability, axis=-1, kind="stable")
        chance, self._following, self._reward, self._terminated = (
            np.take_along_axis(table, order, axis=-1).reshape(states * actions, -1) for table in outcomes[:4]
        )
        self._until = np.cumsum(chance, axis=-1).astype(np.float32)
        self._until[np.cumsum(chance > 0, axis=-1) == np.sum(chance > 0, axis=-1, keepdims=True)] = np.inf
        self._starts = np.flatnonzero(outcomes.start).astype(np.int32)
        self._until_start = np.cumsum(outcomes.start[self._starts]).astype(np.float32)[:-1]

    def initial(self, rng: Array, params: None = None) -> TableState:
        """A state of the start distribution."""
        place = jnp.searchsorted(self._until_start, jax.random.uniform(rng), side="right")
        return TableState(jnp.asarray(self._starts)[place], jnp.float32(0), jnp.bool_(False))

    def transition(self, state: TableState, action: Array, rng: Array, params: None = None) -> TableState:
        """One of the outcomes, as likely as its probability says."""
        row = state.state * self._actions + action
        place = row * self._width
        if self._width > 1:
            place += jnp.sum(_uniform(rng) >= jnp.asarray(self._until)[row])
        return TableState(
            jnp.asarray(self._following.ravel(), jnp.int32)[place],
            jnp.asarray(self._reward.ravel(), jnp.float32)[place],
            jnp.asarray(self._terminated.ravel())[place],
        )

    def observation(self, state: TableState, rng: Array, params: None = None) -> Array:
        """The state's number."""
        return state.state

    def reward(
        self, state: TableState, action: Array, next_state: TableState, rng: Array, params: None = None
    ) -> Array:
        """The outcome's reward."""
        return next_state.reward

    def terminal(self, state: TableState, rng: Array, params: None = None) -> Array:
        """Whether the outcome ends the episode."""
        return state.terminated


class MaskedTables(Tables):
    """Tables that tell which actions are allowed.

    Attributes:
        allowed: bool [states, actions].
    """

    def __init__(self, outcomes: Outcomes, allowed: np.ndarray) -> None:
        super().__init__(outcomes)
        self._allowed = allowed

    def legal(self, state: TableState) -> Array:
        """Which actions are allowed, bool [actions]."""
        return jnp.asarray(self._allowed)[state.state]


def _uniform(key: Array) -> Array:
    """A number in [0, 1) from a key that is used for nothing else.

    A key split off or folded is itself the output of a random function; hashing it again at every step would
    cost many times as much as the step.
    """
    return (jax.random.key_data(key)[0] >> 8).astype(jnp.float32) * 2.0**-24
