"""A FuncEnv on the host: the same functions as in the compiled engine, called a step at a time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.compiled import CompiledEnv, Draw, EnvState, Outcome
from argmaxq.lanes.lanes import Step
from argmaxq.programs import Programs
from argmaxq.spaces import Spaces
from argmaxq.streams import streams
from argmaxq.trees import flatten, unflatten
from argmaxq.types import Array

DRAWN_AT_ONCE = 2**15
"""Steps, over all lanes, whose randomness is drawn in one call."""


class FuncLanes:
    """Lanes of a FuncEnv; equal to the compiled engine bit for bit."""

    def __init__(self, env: CompiledEnv, lanes: int) -> None:
        self.spaces: Spaces = env.spaces
        self.lanes, self._name = lanes, type(env.env).__name__
        self.offered = env.offered
        self._rows = rows = max(1, DRAWN_AT_ONCE // lanes)
        program = Programs()
        self._reset = program(_reset, env)
        self._step = program(_at_row, env)
        self._draws = program(_drawn, env, rows, lanes)

    def reset(self, seed: int) -> np.ndarray:
        """Start every lane's first episode."""
        key = streams(seed).environment
        self._state: EnvState = self._reset(jax.random.split(key, self.lanes))
        self._key, self._row = key, 0
        return self._checked()

    def step(self, actions: np.ndarray) -> Step:
        """Act in every lane."""
        if self._row % self._rows == 0:
            self._block = self._draws(self._key, np.int32(self._row))
        self._state, outcome = self._step(self._state, actions, self._block, np.int32(self._row % self._rows))
        self._row += 1
        reward, terminated, truncated, success = outcome
        last, success = np.asarray(self._state.last), None if success is None else np.asarray(success)
        return Step(self._checked(), np.asarray(reward), np.asarray(terminated), np.asarray(truncated), last, success)

    def mark(self) -> Any:
        """State and row number."""
        return self._state, self._row

    def rewind(self, mark: Any) -> None:
        """Go back, for ``save`` alone."""
        self._state, self._row = mark

    def observe(self) -> np.ndarray:
        """The current observations [lanes, ...]."""
        return np.asarray(self._state.obs)

    def _checked(self) -> np.ndarray:
        """The current observations; raises UserError where a mask allows nothing."""
        obs = self.observe()
        if self.spaces.masked and not self.spaces.legal.allowed(obs).any(axis=-1).all():
            where = f"(env step {self._row * self.lanes})"
            raise UserError(f"{self._name}.legal allows no action, and the episode is not over {where}")
        return obs

    def save(self) -> dict[str, Any]:
        """The environment's arrays, the key and the row number."""
        return {"state": flatten(self._state), "key": np.asarray(jax.random.key_data(self._key)), "row": self._row}

    def restore(self, saved: dict[str, Any]) -> list[int]:
        """Go back exactly; no lane is ever restarted."""
        like = jax.eval_shape(self._reset, jax.random.split(jax.random.key(0), self.lanes))
        self._state = jax.tree.map(jnp.asarray, unflatten(like, saved["state"]))
        self._key = jax.random.wrap_key_data(jnp.asarray(saved["key"]))
        self._row = int(saved["row"])
        first = self._row - self._row % self._rows
        self._block = self._draws(self._key, np.int32(first))
        return []

    def close(self) -> None:
        """Nothing to free."""


def _reset(env: CompiledEnv, keys: Array) -> EnvState:
    return jax.vmap(env.reset)(keys)


def _drawn(env: CompiledEnv, rows: int, lanes: int, key: Array, first: Array) -> Draw:
    return env.draws(key, first + jnp.arange(rows), lanes)


def _at_row(env: CompiledEnv, state: EnvState, actions: Array, draws: Draw, row: Array) -> tuple[EnvState, Outcome]:
    return jax.vmap(env.step)(state, actions, jax.tree.map(lambda leaf: leaf[row], draws))
