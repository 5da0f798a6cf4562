"""Names and units of what environments show and take."""

from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.domains import goal_features
from argmaxq.domains.catalogue import DOMAINS, functional
from argmaxq.domains.goal import Goal
from argmaxq.domains.platform import HOP, LEAP, RUN, Platform
from argmaxq.environments.env import Env
from argmaxq.reporting.names import action_names, bands, branch_names, entry_name, in_units

PLATFORM = Env("argmaxq/Platform-v0")


@pytest.mark.parametrize("id", DOMAINS)
def test_names_fit_the_environment(id: str) -> None:
    if "MinAtar" in id:
        pytest.importorskip("pgx")
    env = Env(id)
    source: Any = functional(id)
    count = 0 if len(source.observation_space.shape) > 1 else source.observation_space.shape[0]
    names = [entry_name(env, entry) for entry in range(count + 1)]
    assert len({*names}) == len(names)
    assert [name.startswith("observation ") for name in names] == [False] * (len(names) - 1) + [True]
    if hasattr(source, "action_names"):
        space = source.action_space
        count = int(space.n if isinstance(space, gym.spaces.Discrete) else space[0].n)
        assert action_names(env, count) == source.action_names


def test_what_has_no_names_is_numbered() -> None:
    assert action_names(Env("LunarLander-v3"), 2) == ("action 0", "action 1")
    assert action_names(PLATFORM, 4)[3] == "action 3"
    assert entry_name(Env("LunarLander-v3"), 7) == "right leg"
    assert entry_name(Env("LunarLander-v3"), 8) == "observation 8"
    assert bands(Env("LunarLander-v3"), 0) == ()
    np.testing.assert_array_equal(in_units(Env("CartPole-v1"), 1, np.array([0.5])), [0.5])


def test_actions_without_names_are_called_as_the_environment_gets_them() -> None:
    env, several = Env("No-v0"), gym.spaces.MultiDiscrete([2, 3], start=[1, 0])
    assert action_names(env, 2, gym.spaces.Discrete(2, start=-1)) == ("action -1", "action 0")
    assert action_names(env, 6, several)[:4] == ("(1, 0)", "(1, 1)", "(1, 2)", "(2, 0)")
    assert branch_names(several) == (
        "choice 0: 1", "choice 0: 2", "choice 0: 3", "choice 1: 0", "choice 1: 1", "choice 1: 2",
    )  # fmt: skip
    hybrid = gym.spaces.Tuple((gym.spaces.Discrete(2, start=5), gym.spaces.Box(-1, 1, (2,))))
    assert action_names(env, 2, hybrid) == ("action 5", "action 6")


def test_entries_without_names_are_called_by_their_space() -> None:
    env, state = Env("No-v0"), gym.spaces.Discrete(3, start=4)
    assert entry_name(env, 0, state) == "state"
    assert in_units(env, 0, np.array([0, 2]), state).tolist() == [4, 6]
    whole = gym.spaces.Dict({"gear": gym.spaces.Discrete(2, start=-1), "speed": gym.spaces.Box(-1, 1, (2,))})
    assert [entry_name(env, entry, whole) for entry in range(5)] == [
        "gear is -1", "gear is 0", "speed 0", "speed 1", "observation 4",
    ]  # fmt: skip


def test_the_actions_of_platform_are_named_in_their_order() -> None:
    assert tuple(Platform.action_names[action] for action in (RUN, HOP, LEAP)) == ("run", "hop", "leap")


def test_platforms_observations_are_told_in_its_units() -> None:
    world = Platform()
    state = world.initial(jax.random.key(0))
    state = state._replace(
        **{
            name: jnp.float32(value)
            for name, value in {"x": 500.0, "velocity_x": 60.0, "enemy_2_x": 700.0, "enemy_2_velocity": -12.0}.items()
        }
    )
    obs = np.asarray(world.observation(state, None))
    told = [float(in_units(PLATFORM, entry, obs[[entry]])[0]) for entry in range(9)]
    np.testing.assert_allclose(told, [500, 60, 700, -12, 275, 50, 235, 475, 0], atol=1e-3)


@pytest.mark.parametrize("legacy", [False, True])
def test_goals_features_are_told_in_its_units(legacy: bool) -> None:
    env = Env("argmaxq/Goal-v0", {"legacy": legacy, "features": True})
    scene = Goal().initial(jax.random.key(3)).scene
    scene = scene._replace(ball=scene.ball._replace(position=jnp.array([7.0, -4.0])))
    features = np.asarray(goal_features.features(scene, legacy))
    told = [float(in_units(env, entry, features[[entry]])[0]) for entry in range(17)]
    place = goal_features.keeper_projection(scene, 14.02 if legacy else 7.01)
    expected = [*np.asarray(goal_features.state_vector(scene)), *features[14:16], float(place)]
    np.testing.assert_allclose(told, expected, atol=1e-4)
