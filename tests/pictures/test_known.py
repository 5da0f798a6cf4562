"""What a page knows of environments is said of these environments alone, and is true where it can be computed."""

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.page.known import best, published

LIMITS = {"CliffWalking-v1": 100}
"""Steps that suffice where an environment has no time limit."""


def best_return(id: str) -> float:
    """By dynamic programming over an environment's steps, from its own table of transitions."""
    env = gym.make(id)
    table = env.unwrapped.P  # type: ignore[attr-defined]
    starts = np.asarray(env.unwrapped.initial_state_distrib, float)  # type: ignore[attr-defined]
    values = np.zeros(len(table))
    for _ in range(LIMITS.get(id) or env.spec.max_episode_steps):  # type: ignore[union-attr, operator]
        values = np.array(
            [
                max(
                    sum(p * (reward + (0 if over else values[after])) for p, after, reward, over in outcomes)
                    for outcomes in actions.values()
                )
                for actions in table.values()
            ]
        )
    return float(starts @ values / starts.sum())


@pytest.mark.parametrize("id", ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1"])
def test_the_best_of_a_table_is_what_dynamic_programming_gives(id: str) -> None:
    known = best(aq.Env(id))
    assert known is not None
    assert known.value == pytest.approx(best_return(id), abs=1e-5)


def test_it_holds_for_the_environment_as_it_is_registered() -> None:
    assert best(aq.Env("CartPole-v1")) is not None
    assert best(aq.Env("CartPole-v1", time_limit=1000)) is None
    assert best(aq.Env("CliffWalking-v1", time_limit=1000)) is not None
    assert best(aq.Env("FrozenLake-v1", {"is_slippery": False})) is None
    assert published(aq.Env("LunarLander-v3")) is not None
    assert published(aq.Env("LunarLander-v3", {"enable_wind": True})) is None
    assert best(aq.Env("own:Thing")) is None
    assert best(aq.find("cartpole-pixels/pqn").env) is not None


def test_games_have_a_ceiling_whatever_their_arguments() -> None:
    pong = best(aq.Env("ALE/Pong-v5", {"repeat_action_probability": 0.25}))
    assert pong is not None
    assert pong.value == 21
