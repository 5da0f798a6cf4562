"""Lanes that are saved and restored: they go on bit for bit, or say that they cannot."""

import random
from functools import partial
from itertools import chain
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from argmaxq.environments.make import lane_maker
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.lanes.workers import Workers
from support.lane_rows import cut_and_restarted, random_actions, record, through_json

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")


@pytest.mark.parametrize("mode", AutoresetMode)
def test_vector_environments_are_restarted_reproducibly(mode: AutoresetMode) -> None:
    def resumed(seed: int, steps: int) -> np.ndarray:
        makers = [partial(gym.make, "CartPole-v1", max_episode_steps=12)] * 3
        lanes = VectorLanes(SyncVectorEnv(makers, autoreset_mode=mode))
        record(lanes, lanes.reset(seed), random_actions(lanes, steps))
        return cut_and_restarted(lanes)

    assert np.array_equal(resumed(1, 5), resumed(1, 5))
    assert not np.array_equal(resumed(1, 5), resumed(1, 6))
    assert not np.array_equal(resumed(1, 5), resumed(2, 5))
    assert np.array_equal(resumed(1, 12), resumed(1, 12))  # at an episode's end


@pytest.mark.parametrize("steps", [0, 1, 7, 333])
@pytest.mark.parametrize(
    "name", ["CartPole-v1", "LunarLander-v3", "FrozenLake-v1", "Taxi-v4", "Blackjack-v1", "Acrobot-v1"]
)
def test_restored_lanes_go_on_bit_for_bit(name: str, steps: int) -> None:
    lanes, other = (GymnasiumLanes(lane_maker(name), 3) for _ in range(2))
    record(lanes, lanes.reset(5), random_actions(lanes, steps))
    last = np.array(lanes._last)
    saved = lanes.save()
    assert other.restore(through_json(saved)) == []
    np.testing.assert_array_equal(lanes.observe(), other.observe())
    actions = random_actions(lanes, 200, seed=1)
    ours, theirs = (record(each, each.observe(), actions, last) for each in (lanes, other))
    for mine, yours in zip(chain(*ours), chain(*theirs), strict=True):
        assert mine[0].tobytes() == yours[0].tobytes()
        assert mine[1:] == yours[1:]


def test_lanes_can_be_saved_between_two_episodes_and_restored_twice() -> None:
    lanes = GymnasiumLanes(lane_maker("CartPole-v1", {"max_episode_steps": 9}), 1)
    lanes.reset(0)
    while not lanes.step(np.array([0])).last[0]:
        pass
    saved = lanes.save()
    for _ in range(2):
        assert lanes.restore(saved) == []
        step = lanes.step(np.array([1]))
        assert (step.reward[0], step.terminated[0], step.truncated[0], step.last[0]) == (0.0, False, False, False)
        assert np.abs(step.obs).max() <= 0.05
        assert not lanes.step(np.array([0])).last[0]


class Drift(gym.Env):
    """A walk from a place that a generator of its own draws; with ``told`` that is at least seeded by reset."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gym.spaces.Discrete(3, start=-1)

    def __init__(self, told: bool = False) -> None:
        self.told, self.hidden = told, np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        if self.told and seed is not None:
            self.hidden = np.random.default_rng(seed)
        self.at = self.hidden.normal(size=1).astype(np.float32)
        return self.at, {}

    def step(self, action: Any) -> Any:
        assert action in self.action_space
        self.at = self.at + np.float32(action)
        return self.at, float(action), False, False, {}


def test_a_hidden_generator_ends_the_episode_and_says_so() -> None:
    lanes = GymnasiumLanes(Drift, 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 20))
    cut_and_restarted(lanes)
    saved = lanes.save()
    for _ in range(2):  # a lane that waits for its next episode can be saved, too
        other = GymnasiumLanes(Drift, 2)
        assert other.restore(saved) == [0, 1]
        np.testing.assert_array_equal(other.observe(), lanes.observe())
        saved = other.save()


def test_a_restart_is_reproducible_where_the_environment_takes_a_seed() -> None:
    lanes = GymnasiumLanes(partial(Drift, told=True), 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 20))
    saved, resumed = lanes.save(), []
    for _ in range(2):
        fresh = GymnasiumLanes(partial(Drift, told=True), 2)
        assert fresh.restore(saved) == [0, 1]
        resumed.append(fresh.step(np.zeros(2, np.int32)).obs)
    np.testing.assert_array_equal(*resumed)


def test_only_lanes_that_differ_are_restarted() -> None:
    lanes = GymnasiumLanes(lane_maker("LunarLander-v3"), 3)
    record(lanes, lanes.reset(0), random_actions(lanes, 50))
    saved = lanes.save()
    saved["lanes"]["1"]["actions"][3] ^= 1
    saved["lanes"]["2"]["last"] = True
    kept = lanes.observe().copy()
    assert lanes.restore(saved) == [1, 2]
    np.testing.assert_array_equal(lanes.observe(), kept)
    step = lanes.step(np.zeros(3, np.int32))
    assert step.reward[0] != 0
    np.testing.assert_array_equal(step.reward[1:], 0)
    assert np.abs(step.obs[1:, 1] - 1.41).max() < 0.03, "not at the start"


def test_randomness_that_observations_do_not_show_is_noticed() -> None:
    class Secret(gym.Env):
        observation_space, action_space = gym.spaces.Box(-1, 1, (1,), np.float32), gym.spaces.Discrete(2)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            return np.zeros(1, np.float32), {}

        def step(self, action: Any) -> Any:
            return np.zeros(1, np.float32), self.np_random.normal(), False, False, {}

    lanes = GymnasiumLanes(Secret, 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 5))
    saved = through_json(lanes.save())
    assert GymnasiumLanes(Secret, 2).restore(saved) == []
    saved["lanes"]["1"]["actions"] = saved["lanes"]["1"]["actions"][1:]
    assert GymnasiumLanes(Secret, 2).restore(saved) == [1]


class Forbidding(gym.Env):
    """One action is forbidden, drawn by Python's random; doing it is an exception, of the environment or of ours."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (1,), np.float32), gym.spaces.Discrete(2)

    def __init__(self, told: bool) -> None:
        self.told = told

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.forbidden = random.randrange(2)
        return np.zeros(1, np.float32), self.info()

    def step(self, action: Any) -> Any:
        wrong, self.forbidden = action == self.forbidden, random.randrange(2)
        if wrong and not self.told:
            raise ValueError(f"illegal action {action}")
        info = {"action_mask": np.zeros(2, np.int8)} if wrong else self.info()
        return np.zeros(1, np.float32), 1.0, False, False, info

    def info(self) -> dict[str, Any]:
        return {"action_mask": np.array([number != self.forbidden for number in range(2)], np.int8)}


@pytest.mark.parametrize("told", [False, True], ids=["its own", "ours"])
@pytest.mark.parametrize("processes", [0, 1])
def test_an_exception_in_an_episode_lived_again_ends_it(processes: int, told: bool) -> None:
    def made() -> GymnasiumLanes:
        make = partial(Forbidding, told)
        return GymnasiumLanes(make, 2, copies=Workers(make, 1, mask="info") if processes else None, mask="info")

    lanes, other = made(), made()
    obs, generator = lanes.reset(0), np.random.default_rng(0)
    for _ in range(40):
        obs = lanes.step(lanes.spaces.random(generator, obs)).obs
    saved = lanes.save()
    assert other.restore(saved) == [0, 1]
    np.testing.assert_array_equal(other.observe(), obs)
    assert not other.step(np.zeros(2, np.int32)).last.any()
    for each in (lanes, other):
        each.close()


def normalised(**options: Any) -> gym.Env:
    return gym.wrappers.NormalizeReward(gym.make("CartPole-v1", **options))


def test_a_wrapper_that_remembers_earlier_episodes_is_noticed_by_its_rewards() -> None:
    """The observations come again; the rewards do not, for the fresh wrapper has seen this episode alone."""
    lanes = GymnasiumLanes(normalised, 2)
    record(lanes, lanes.reset(0), random_actions(lanes, 120))
    while not all(len(episode.actions) > 2 for episode in lanes._episodes):
        lanes.step(random_actions(lanes, 1)[0])
    assert GymnasiumLanes(normalised, 2).restore(through_json(lanes.save())) == [0, 1]


def test_rewards_that_come_again_go_on_being_kept() -> None:
    """In the first episode such a wrapper has nothing else to remember."""
    actions = np.array([[0], [1]] * 3)
    lanes, second, third = (GymnasiumLanes(normalised, 1) for _ in range(3))
    record(lanes, lanes.reset(3), actions)
    assert second.restore(through_json(lanes.save())) == []
    ours, theirs = (record(each, each.observe(), actions) for each in (lanes, second))
    assert [row[2] for row in ours[0]] == [row[2] for row in theirs[0]]
    assert third.restore(through_json(second.save())) == []
    saved = second.save()
    saved["lanes"]["0"]["rewards"] = "0" * 64
    assert third.restore(saved) == [0]


def test_what_was_saved_before_rewards_were_kept_is_restored_all_the_same() -> None:
    lanes = GymnasiumLanes(lane_maker("CartPole-v1"), 1)
    record(lanes, lanes.reset(0), np.array([[0], [1]]))
    saved = lanes.save()
    del saved["lanes"]["0"]["rewards"]
    assert GymnasiumLanes(lane_maker("CartPole-v1"), 1).restore(saved) == []
