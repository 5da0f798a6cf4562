"""Making environments and lanes: what is picked, what is taken off, and mistakes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.environments.check import check
from argmaxq.environments.make import make_environment, make_lanes
from argmaxq.environments.source import host, single
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.training.evaluation import Evaluator


def test_an_observation_of_another_shape_is_the_users_to_mend() -> None:
    def wrong() -> gym.Env:
        return gym.wrappers.TransformObservation(
            gym.make("CartPole-v1"), lambda obs: obs[:1], gym.spaces.Box(-1, 1, (2,))
        )

    with pytest.raises(UserError, match=r"shape \(1,\); its space says \(2,\)"):
        GymnasiumLanes(wrong, 1).reset(0)


@pytest.mark.parametrize(
    ("source", "kwargs", "words"),
    [
        ("CartPol-v1", {}, "did you mean CartPole-v1"),
        ("CartPole-v9", {}, "did you mean CartPole-v1"),
        ("Nowhere/Zzzzzz-v0", {}, "Nowhere"),
        ("no_such_module:Env-v0", {}, "no_such_module"),
        ("nonsense!", {}, "cannot be made"),
        ("CartPole-v1", {"gravity_of_mars": 3}, "does not take these arguments.*gravity_of_mars"),
        (lambda: 3, {}, "returned an int"),
    ],
)
def test_mistakes_in_making_are_one_clear_line(source: Any, kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make_environment(source, kwargs)
    assert "\n" not in str(caught.value)


def test_checking_wrappers_are_taken_out_and_the_others_stay() -> None:
    def wrapped() -> gym.Env:
        return gym.wrappers.TransformReward(gym.make("CartPole-v1"), lambda reward: 2 * reward)

    for source in ("CartPole-v1", wrapped):
        assert "PassiveEnvChecker" not in str(make_environment(source))
        assert "OrderEnforcing" not in str(make_environment(source))
    env = make_environment(wrapped)
    env.reset(seed=0)
    assert env.step(0)[1] == 2
    assert "TimeLimit" in str(env)
    assert make_environment("CartPole-v1", {"max_episode_steps": 7}).spec.max_episode_steps == 7


def test_make_lanes_picks_by_what_is_made() -> None:
    vector: Callable[[], Any] = partial(gym.make_vec, "CartPole-v1", 3)
    assert isinstance(make_lanes("CartPole-v1", lanes=2), GymnasiumLanes)
    assert isinstance(make_lanes(CartPoleEnv, {"sutton_barto_reward": True}), GymnasiumLanes)
    assert make_lanes(vector).lanes == make_lanes(vector, lanes=3).lanes == 3
    with pytest.raises(UserError, match="has 3 lanes where 4"):
        make_lanes(vector, lanes=4)
    with pytest.raises(UserError, match="takes an environment's id"):
        make_lanes(vector, backend="envpool")


@pytest.mark.parametrize("wish", [True, False])
def test_gymnasiums_checker_is_there_where_it_is_wished_for(wish: bool) -> None:
    env = make_environment("CartPole-v1", {"disable_env_checker": wish})
    assert ("PassiveEnvChecker" in str(env)) == (not wish)
    findings = check("CartPole-v1", {"disable_env_checker": wish})
    assert all(finding.status == "ok" for finding in findings)


def limited(limit: int) -> gym.Env:
    return gym.wrappers.TransformReward(gym.wrappers.TimeLimit(CartPoleEnv(), limit), lambda reward: reward)


@pytest.mark.parametrize("source", ["CartPole-v1", partial(limited, 5)])
def test_a_time_limit_takes_the_place_of_the_environments_own(source: Any) -> None:
    env = aq.Env(source, time_limit=9)
    lanes = host(env)
    lanes.reset(0)
    ends = [bool(lanes.step(np.array([number % 2])).truncated[0]) for number in range(9)]
    assert ends == [False] * 8 + [True]
    assert str(single(env)).count("TimeLimit") == 1


def test_a_vector_environment_is_to_be_given_its_limit_where_it_is_made() -> None:
    env = aq.Env(partial(gym.make_vec, "CartPole-v1", 2), lanes=2, time_limit=9)
    for use in (host, single, Evaluator):
        with pytest.raises(UserError, match=r"env.time_limit = 9: .*make_vec\(..., max_episode_steps=9\)") as caught:
            use(env)
        assert "\n" not in str(caught.value)


def test_envpool_is_given_the_limit_and_evaluation_none_of_its_threads() -> None:
    pytest.importorskip("envpool")
    env = aq.Env("CartPole-v1", {"num_threads": 1}, backend="envpool", time_limit=7)
    lanes = host(env)
    lanes.reset(0)
    assert [bool(lanes.step(np.array([number % 2])).truncated[0]) for number in range(7)] == [False] * 6 + [True]
    assert Evaluator(env).spaces == lanes.spaces
