"""What acting remembers, in many lanes at once: where it begins, where it begins anew, and what rows keep of it."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.roles import Agent
from argmaxq.spaces import Spaces
from argmaxq.types import Array, PyTree


def recurrent(agent: Any) -> bool:
    """Whether what acting remembers belongs to an episode, and rows keep it."""
    return bool(getattr(agent, "recurrent", False))


def forgets(agent: Any) -> bool:
    """Whether what ``act`` remembers belongs to an episode, whoever else keeps it."""
    return recurrent(agent) or bool(getattr(agent, "episodic", False))


def memories(agent: Agent, spaces: Spaces, lanes: int) -> PyTree:
    """The memory of lanes before their first step, leaves [lanes, ...]."""
    return jax.vmap(lambda _: agent.memory(spaces))(jnp.arange(lanes))


def greedy_memories(agent: Agent, spaces: Spaces, lanes: int) -> PyTree:
    """The same for the greedy policy, which needs none where it does not belong to an episode."""
    return memories(agent, spaces, lanes) if recurrent(agent) else ()


def renewed(agent: Agent, spaces: Spaces, memory: PyTree, over: Array | None) -> PyTree:
    """Memory [lanes] as it goes on after rows of which ``over`` [lanes] were an episode's last."""
    if over is None or not forgets(agent) or not jax.tree.leaves(memory):
        return memory
    fresh = memories(agent, spaces, over.shape[0])

    def chosen(new: Array, old: Array) -> Array:
        return jnp.where(over.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    return jax.tree.map(chosen, fresh, memory)


def kept(agent: Agent, memory: PyTree) -> PyTree:
    """What a row keeps of the memory before it."""
    return memory if recurrent(agent) else ()
