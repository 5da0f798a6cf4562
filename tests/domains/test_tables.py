"""Environments compiled from transition tables, against Gymnasium's own."""

from collections import Counter
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.environments.source import compiled
from argmaxq.environments.tabular import tabular
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.spaces import ArraySpec
from oracles.parts import chi_square

NAMES = ("FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1", "CliffWalkingSlippery-v1")


def tables(name: str, **kwargs: Any) -> CompiledEnv:
    return CompiledEnv(tabular(name, kwargs), None)


@pytest.mark.parametrize("name", NAMES)
def test_all_outcomes_are_as_likely_as_the_tables_say(name: str) -> None:
    """Every state and action, with chances on a grid of random numbers: the measure of each outcome is its chance."""
    env, table = tables(name).env, gym.make(name).unwrapped.P
    chances = 300
    words = ((np.arange(chances) + 0.5) / chances * 2**32).astype(np.uint32)
    keys = jax.random.wrap_key_data(jnp.stack([words, words], axis=1))
    states, actions = np.divmod(np.arange(len(table) * len(table[0])), len(table[0]))
    one = jax.vmap(env.transition, (None, None, 0))
    state = env.initial(jax.random.key(0))
    many = jax.jit(jax.vmap(lambda s, a: one(state._replace(state=s), a, keys)))
    after = jax.tree.map(np.asarray, many(jnp.asarray(states, jnp.int32), jnp.asarray(actions, jnp.int32)))
    for row, (s, a) in enumerate(zip(states.tolist(), actions.tolist(), strict=True)):
        found = Counter(zip(*(leaf[row].tolist() for leaf in after), strict=True))
        expected: Counter[Any] = Counter()
        for chance, following, reward, over in table[s][a]:
            expected[int(following), float(np.float32(reward)), bool(over)] += chance
        expected = Counter({outcome: chance for outcome, chance in expected.items() if chance})
        assert set(found) == set(expected)
        for outcome, chance in expected.items():
            assert abs(found[outcome] / chances - chance) < 0.01


def test_first_states_are_those_of_taxi() -> None:
    env, start = tables("Taxi-v4"), gym.make("Taxi-v4").unwrapped.initial_state_distrib
    states = np.asarray(jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 30_000)).obs)
    counts = np.bincount(states, minlength=500)
    assert (counts[start == 0] == 0).all()
    assert abs(chi_square(counts[start > 0], 30_000 * start[start > 0])) < 4


def test_every_row_has_randomness_of_its_own() -> None:
    env = tables("FrozenLake-v1")
    draws = env.draws(jax.random.key(1), jnp.arange(2_000), 4)
    after, _ = jax.vmap(jax.vmap(env.step, (None, None, 0)), (None, None, 0))(
        env.reset(jax.random.key(0)), jnp.int32(1), draws
    )
    ends = np.asarray(after.obs).ravel()
    assert abs(chi_square([np.sum(ends == end) for end in (0, 1, 4)])) < 4


def test_they_are_found_by_id_and_arguments() -> None:
    found = compiled(aq.Env("FrozenLake-v1", {"is_slippery": False}))
    assert found is not None
    assert found.time_limit == 100
    assert found.spaces.observation == ArraySpec((), "int32", categories=16)
    after = found.env.transition(found.env.initial(jax.random.key(0)), jnp.int32(2), jax.random.key(0))
    assert int(after.state) == 1
    assert compiled(aq.Env("Taxi-v4", {"fickle_passenger": True})) is None
    assert compiled(aq.Env("Taxi-v4", backend="envpool")) is None
    assert compiled(aq.Env("Blackjack-v1")) is None
