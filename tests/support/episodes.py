"""Whole episodes of a FuncEnv under a policy, many at once."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Episodes(NamedTuple):
    """Return, length and whether the last step's info said ``success``, each [episodes]."""

    returns: np.ndarray
    lengths: np.ndarray
    success: np.ndarray


def play(env: Any, policy: Callable[[Any, Any], Any], steps: int, episodes: int, seed: int = 0) -> Episodes:
    """``policy(observation, key)`` acts until the episode's end, for at most ``steps`` steps."""

    def episode(key: Any) -> Any:
        def step(carry: Any, key: Any) -> Any:
            state, ended, total, length, success = carry
            keys = jax.random.split(key, 5)
            action = policy(env.observation(state, keys[0]), keys[1])
            moved = env.transition(state, action, keys[2])
            total += jnp.where(ended, 0, env.reward(state, action, moved, keys[3]))
            success |= ~ended & env.transition_info(state, action, moved)["success"]
            state = jax.tree.map(lambda old, new: jnp.where(ended, old, new), state, moved)
            return (state, ended | env.terminal(moved, keys[4]), total, length + ~ended, success), None

        first, rest = jax.random.split(key)
        carry = (env.initial(first), jnp.bool_(False), jnp.float32(0), jnp.int32(0), jnp.bool_(False))
        (_, _, total, length, success), _ = jax.lax.scan(step, carry, jax.random.split(rest, steps))
        return Episodes(total, length, success)

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(seed), episodes)))
