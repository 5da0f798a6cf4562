"""A trained policy: actions that the environment takes, and observations that it refuses."""

from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.environments.source import single

ENTRIES = 9


def test_actions_lie_in_the_environments_space_one_by_one_and_in_a_batch(platform: aq.Run) -> None:
    policy, env = platform.policy(), single(platform.recipe.env)
    observations = np.random.default_rng(0).uniform(-1, 1, (50, ENTRIES)).astype(np.float32)
    numbers, parameters = policy(observations)
    assert numbers.shape == (50,)
    assert [own.shape for own in parameters] == [(50, 1)] * 3
    for obs, *parts in zip(observations, numbers, *parameters, strict=True):
        number, own = action = policy(obs)
        assert action in env.action_space
        assert number == parts[0]
        np.testing.assert_allclose(own, parts[1:], rtol=1e-4)


@pytest.mark.parametrize(
    ("obs", "words"),
    [
        (np.zeros(4), r"an observation of shape \(4,\): it must be \(9,\), or a batch of such"),
        (np.zeros((9, 4)), r"shape \(9, 4\)"),
        (np.zeros((2, 3, ENTRIES)), r"shape \(2, 3, 9\)"),
        (0.0, r"shape \(\)"),
        (np.full(ENTRIES, np.nan), "not a number"),
        (np.float32([[0] * ENTRIES, [0] * 8 + [np.nan]]), "not a number"),
    ],
)
def test_an_observation_that_does_not_fit_is_refused_in_a_line(platform: aq.Run, obs: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        platform.policy()(obs)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=words):
        platform.policy().values(obs)


@pytest.mark.parametrize("obs", [{"x": 1}, None, "left", [[0.0], [0.0, 1.0]]], ids=str)
def test_what_is_no_observation_is_refused_in_a_line(platform: aq.Run, obs: Any) -> None:
    for method in (platform.policy(), platform.policy().values):
        with pytest.raises(UserError, match=r"an observation (that is none of Box\(9,\)|of shape|holds)") as caught:
            method(obs)
        assert "\n" not in str(caught.value)


def test_bounds_are_no_limit_to_observations(platform: aq.Run) -> None:
    policy, env = platform.policy(), single(platform.recipe.env)
    assert policy(np.full(ENTRIES, 5.0)) in env.action_space
