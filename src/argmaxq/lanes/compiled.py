"""FuncEnvs inside a compiled program: time limits, autoreset rows, and a key of its own for every draw."""

import dataclasses
import math
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces as gym_spaces
from gymnasium.experimental.functional import FuncEnv

from argmaxq.components.errors import UserError
from argmaxq.lanes.actions import Decode, read_actions
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.masks import Mask, maskable
from argmaxq.lanes.observations import box_spec, index_spec
from argmaxq.spaces import Actions, ArraySpec, Spaces
from argmaxq.types import Array, PyTree


class EnvState(NamedTuple):
    """One lane: the FuncEnv's state, its observation, steps since the episode's start, and whether it has ended."""

    state: PyTree
    obs: Array
    elapsed: Array
    last: Array


class Outcome(NamedTuple):
    """What followed an action in one lane; ``success`` is what ``transition_info`` says, if it does."""

    reward: Array
    terminated: Array
    truncated: Array
    success: Array | None = None


class Draw(NamedTuple):
    """One step's randomness: a key for each of four uses, and the episode that begins if the last one has ended.

    Made for many steps at once outside of loops: drawing inside a loop costs more than a small environment's step.
    Where observations are large, these would fill the memory: then ``fresh`` is the key from which the step makes it.
    """

    keys: tuple[jax.Array, jax.Array, jax.Array, jax.Array]
    fresh: EnvState | jax.Array


LARGE = 1024
"""Entries of an observation from which on no episode is begun before it is due."""


@dataclasses.dataclass(frozen=True, eq=False)
class CompiledEnv:
    """A FuncEnv as engines see it: pure functions of one lane.

    Attributes:
        env: The environment's dynamics.
        time_limit: Steps after which an episode is truncated; none: never.
        choices: Values of parameters that make parameterised actions discrete; empty: none.
        mask: info: the environment's method ``legal(state)`` tells which actions are allowed, bool [actions].
    """

    env: FuncEnv[Any, Any, Any, Any, Any, Any, Any]
    time_limit: int | None = None
    choices: Choices = ()
    mask: Mask = "none"

    @property
    def offered(self) -> Mask:
        """Where the environment tells which actions are allowed."""
        return "info" if callable(getattr(self.env, "legal", None)) else "none"

    @cached_property
    def spaces(self) -> Spaces:
        """Raises UserError for observations neither Box nor Discrete, or actions neither Discrete nor hybrid.

        And where masks are asked for, and the environment has none.
        """
        if self.mask not in ("none", self.offered):
            told = "its method legal(state)" if self.offered == "info" else "no method legal(state)"
            raise UserError(
                f"env.mask = {self.mask}: {type(self.env).__name__} has {told} to tell which actions are allowed"
                f"{': env.mask info' * (self.offered == 'info')}"
            )
        actions = self._actions[0]
        return Spaces(self._observation, actions, maskable(actions, self.choices, self.mask))

    @property
    def _observation(self) -> ArraySpec:
        observation = self.env.observation_space
        if isinstance(observation, gym_spaces.Discrete):
            return index_spec(observation)
        if not isinstance(observation, gym_spaces.Box):
            kind = f"{type(observation).__name__} observations"
            raise UserError(f"{type(self.env).__name__} has {kind}; compiled agents need a Box or Discrete")
        dtype = np.dtype(np.float32) if observation.dtype == np.float64 else np.dtype(observation.dtype)
        return box_spec(observation, dtype)

    @cached_property
    def _actions(self) -> tuple[Actions, Decode]:
        return read_actions(self.env.action_space, self.choices)

    def reset(self, key: jax.Array) -> EnvState:
        """A new episode."""
        state = self.env.initial(jax.random.fold_in(key, 0))
        going = jnp.bool_(False)
        return EnvState(state, self._observe(state, jax.random.fold_in(key, 1), going), jnp.int32(0), going)

    def step(self, lane: EnvState, action: Array, draw: Draw) -> tuple[EnvState, Outcome]:
        """Act once; after an episode's end the action is ignored and a new episode begins (next-step autoreset)."""
        keys = draw.keys
        action = self._decode(action)
        state = self.env.transition(lane.state, action, keys[0])
        reward = jnp.asarray(self.env.reward(lane.state, action, state, keys[1]), jnp.float32)
        terminated = jnp.asarray(self.env.terminal(state, keys[2]), jnp.bool_)
        elapsed = lane.elapsed + 1
        truncated = jnp.bool_(False) if self.time_limit is None else elapsed >= self.time_limit
        moved = EnvState(state, self._observe(state, keys[3], terminated), elapsed, terminated | truncated)
        begun = draw.fresh if isinstance(draw.fresh, EnvState) else self.reset(draw.fresh)
        after = jax.tree.map(lambda fresh, old: jnp.where(lane.last, fresh, old), begun, moved)
        alive = ~lane.last
        success = self.env.transition_info(lane.state, action, state).get("success")
        return after, Outcome(jnp.where(alive, reward, 0.0), alive & terminated, alive & truncated, success)

    def draws(self, key: jax.Array, rows: Array, lanes: int) -> Draw:
        """The randomness of rows [n] of every lane, [n, lanes]: a function of (key, row, lane) alone."""
        keys = jax.vmap(lambda row: jax.random.split(jax.random.fold_in(key, row), lanes))(rows)
        return jax.vmap(jax.vmap(self.draw))(keys)

    def draw(self, key: jax.Array, fresh: EnvState | None = None) -> Draw:
        """The randomness of one step from its key; ``fresh`` is drawn, too, where it is not given."""
        first, second, third, fourth = (jax.random.fold_in(key, number) for number in range(2, 6))
        if fresh is None and math.prod(self.spaces.observation.shape) < LARGE:
            fresh = self.reset(key)
        return Draw((first, second, third, fourth), key if fresh is None else fresh)

    def _decode(self, action: Array) -> Any:
        """The agent's action in the environment's own format."""
        if isinstance(self.env.action_space, gym_spaces.Discrete):
            return action + int(self.env.action_space.start)
        return self._actions[1](action)

    def _observe(self, state: PyTree, key: jax.Array, over: Array) -> Array:
        """The observation, with the mask of actions where there is one; once it is ``over``, none may be allowed."""
        start = int(getattr(self.env.observation_space, "start", 0))
        obs = jnp.asarray(self.env.observation(state, key), self.spaces.observation.dtype) - start
        if not self.spaces.masked:
            return obs
        legal: Any = self.env
        allowed = jnp.asarray(legal.legal(state), jnp.bool_)
        if allowed.shape != (self.spaces.action.n,):
            raise UserError(
                f"{type(legal).__name__}.legal gave an array of shape {allowed.shape}: it must be "
                f"({self.spaces.action.n},), one for each action"
            )
        return jnp.concatenate([jnp.ravel(obs), (allowed | (over & ~jnp.any(allowed))).astype(obs.dtype)])
