"""Greedy episodes of one seed in XLA, some steps at a time."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.lanes.compiled import CompiledEnv, EnvState
from argmaxq.roles import Agent
from argmaxq.streams import Streams
from argmaxq.training.memory import greedy_memories
from argmaxq.training.prospects import Prospects, begun, grown, settled
from argmaxq.types import Array, PyTree


class Playing(NamedTuple):
    """One seed's greedy episodes [episodes], one in each lane, and the number of the coming step, from 1 on.

    ``prospects`` are what they are to be compared with, where the agent says what it expects.
    """

    step: Array
    lanes: EnvState
    memory: PyTree
    returns: Array
    done: Array
    prospects: Prospects | tuple[()]


def begin_episodes(
    env: CompiledEnv, episodes: int, compares: bool, agent: Agent, number: Array, keys: Streams, params: PyTree
) -> Playing:
    """The beginning of evaluation ``number``; ``compares`` its returns with what the agent expects."""
    first = _first_states(env, episodes, jax.random.fold_in(keys.evaluation, number))
    prospects = begun(first.obs) if compares else ()
    memory = greedy_memories(agent, env.spaces, episodes)
    return Playing(jnp.int32(1), first, memory, jnp.zeros(episodes), jnp.zeros(episodes, bool), prospects)


def play_on(
    env: CompiledEnv,
    episodes: int,
    agent: Agent,
    numbers: tuple[Array, Array],
    keys: Streams,
    so_far: tuple[PyTree, Playing],
) -> Playing:
    """An evaluation, of which ``numbers`` are its own and that of its coming last step, unless all episodes end."""
    number, end = numbers
    params, playing = so_far
    key = jax.random.fold_in(keys.evaluation, number)
    first = _first_states(env, episodes, key)

    def step(playing: Playing) -> Playing:
        action, memory = jax.vmap(agent.greedy, (None, 0, 0))(params, playing.memory, playing.lanes.obs)
        draw = jax.vmap(env.draw)(jax.random.split(jax.random.fold_in(key, playing.step), episodes), first)
        lanes, outcome = jax.vmap(env.step)(playing.lanes, action, draw)
        returns = playing.returns + jnp.where(playing.done, 0.0, outcome.reward)
        done = playing.done | outcome.terminated | outcome.truncated
        prospects = playing.prospects and grown(agent, playing.prospects, ~playing.done, outcome, lanes.obs)
        return Playing(playing.step + 1, lanes, memory, returns, done, prospects)

    return jax.lax.while_loop(lambda now: ~jnp.all(now.done) & (now.step <= end), step, playing)


def settle(agent: Agent, numbers: PyTree, keys: Streams, ended: tuple[Any, Any, Prospects]) -> tuple[Array, Array]:
    """Expected and actual discounted returns of episodes that have ended."""
    return settled(agent, *ended)


def _first_states(env: CompiledEnv, episodes: int, key: Array) -> EnvState:
    return jax.vmap(env.reset)(jax.random.split(jax.random.fold_in(key, 0), episodes))
