"""Environments with parameterised actions in lanes: what reaches them, exact resume, and the checker's verdict."""

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from argmaxq.environments.check import check
from argmaxq.environments.make import lane_maker
from argmaxq.lanes.copies import LocalCopies
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.lanes import Lanes
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.spaces import ArraySpec, DiscreteActions, HybridActions, Spaces
from argmaxq.training.evaluation import play_episodes, uniform
from oracles.parts import leaves_equal
from support.lane_rows import through_json

SHARED = spaces.Tuple([spaces.Discrete(2, start=3), spaces.Box(-2.0, 6.0, (2,), np.float64)])
OWN = spaces.Dict(number=spaces.Discrete(2, start=3), a=spaces.Box(-2.0, 6.0, (2,)), b=spaces.Box(0, 8, (1,), np.int64))


class Echo(gym.Env):
    """Shows the chosen action and its parameters, 9 for none, and noise; ends by chance."""

    observation_space = spaces.Box(-10.0, 10.0, (4,), np.float32)

    def __init__(self, action_space: spaces.Space = OWN) -> None:
        self.action_space = action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        return self._observe(0, 0, 0), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        if isinstance(action, dict):
            shown = action["number"], *(action["a"] if action["number"] == 3 else (*action["b"], 9))
        else:
            shown = action[0], *action[1]
        return self._observe(*shown), float(shown[1]), bool(self.np_random.random() < 0.1), False, {}

    def _observe(self, *shown: Any) -> np.ndarray:
        return np.array([*shown, self.np_random.uniform(-1, 1)], np.float32)


def random_actions(lanes: Lanes, steps: int, seed: int = 0) -> np.ndarray:
    flat = lanes.spaces.action.random(np.random.default_rng(seed), steps * lanes.lanes)
    return flat.reshape(steps, lanes.lanes, *flat.shape[1:])


def shown(action_space: spaces.Space, action: np.ndarray) -> list[float]:
    """What ``Echo`` must show after an agent's action."""
    number, parameters = int(action[0]), action[1:].astype(float)
    if action_space == SHARED:
        return [3 + number, *(2 + 4 * parameters[2 * number : 2 * number + 2])]
    return [3, *(2 + 4 * parameters[:2])] if number == 0 else [4, round(4 + 4 * parameters[2]), 9]


MAKERS: dict[str, Any] = {
    "gymnasium": lambda space: GymnasiumLanes(partial(Echo, space), 3),
    "vector": lambda space: VectorLanes(SyncVectorEnv([partial(Echo, space)] * 3, autoreset_mode="NextStep")),
}


@pytest.mark.parametrize("action_space", [SHARED, OWN], ids=["shared", "own"])
@pytest.mark.parametrize("maker", MAKERS)
def test_the_environment_sees_the_agents_parameters(maker: str, action_space: spaces.Space) -> None:
    lanes = MAKERS[maker](action_space)
    assert lanes.spaces.action == HybridActions((2, 2) if action_space == SHARED else (2, 1))
    lanes.reset(0)
    over, seen = np.zeros(3, bool), 0
    for actions in random_actions(lanes, 200):
        step = lanes.step(actions)
        for lane in np.flatnonzero(~over):
            expected = shown(action_space, actions[lane])
            np.testing.assert_allclose(step.obs[lane, :3], expected, atol=1e-5)
            np.testing.assert_allclose(step.reward[lane], expected[1], atol=1e-5)
            seen += 1
        over = step.last
    assert 400 < seen < 600


@pytest.mark.parametrize("steps", [0, 1, 150])
@pytest.mark.parametrize(
    ("make", "number"),
    [(Echo, 4), (partial(Echo, SHARED), 5), (lane_maker("argmaxq/Platform-v0"), 4)],
    ids=["own", "shared", "platform"],
)
def test_restored_lanes_go_on_bit_for_bit(make: Any, number: int, steps: int) -> None:
    lanes, other = (GymnasiumLanes(make, 2) for _ in range(2))
    lanes.reset(7)
    for actions in random_actions(lanes, steps):
        lanes.step(actions)
    saved = through_json(lanes.save())
    assert other.restore(saved) == []
    assert {lane["actions"].shape[1:] for lane in saved["lanes"].values()} <= {(), (number,)}
    np.testing.assert_array_equal(lanes.observe(), other.observe())
    for actions in random_actions(lanes, 100, seed=1):
        assert leaves_equal(lanes.step(actions), other.step(actions))


def test_a_restored_episode_depends_on_its_actions_parameters() -> None:
    """A parameter changed in what was saved is noticed where it shows."""
    lanes = GymnasiumLanes(Echo, 2)
    lanes.reset(0)
    while min(len(episode.actions) for episode in lanes._episodes) < 2:
        lanes.step(random_actions(lanes, 1)[0])
    saved = lanes.save()
    saved["lanes"]["1"]["actions"][-1] = [0, 0.123, 0.4, 0.5]
    assert lanes.restore(saved) == [1]


def test_a_random_policy_plays() -> None:
    """Platform's random policy covers about a sixth of the way."""
    copies = LocalCopies(lane_maker("argmaxq/Platform-v0"))
    played = play_episodes(copies, range(8), uniform(copies.spaces, [0]), list(range(100)))
    assert played.returns.mean() == pytest.approx(0.15, abs=0.06)
    assert played.returns.min() >= 0
    assert played.returns.max() < 1


def test_chosen_values_make_an_environment_discrete() -> None:
    lanes = GymnasiumLanes(Echo, 1, choices=((-2.0, 6.0), (3.0,)))
    assert lanes.spaces == Spaces(ArraySpec((4,), "float32"), DiscreteActions(5))
    seen = []
    for action in range(5):
        lanes.reset(0)
        seen.append(lanes.step(np.array([action], np.int32)).obs[0, :3].tolist())
    assert seen == [[3, -2, -2], [3, -2, 6], [3, 6, -2], [3, 6, 6], [4, 3, 9]]


@pytest.mark.parametrize(
    ("source", "description"),
    [
        (Echo, "2 actions with parameters of their own: 2, 1"),
        (partial(Echo, SHARED), "2 actions with parameters that all share: 2"),
        ("argmaxq/Platform-v0", "3 actions with parameters of their own: 1, 1, 1"),
    ],
    ids=["own", "shared", "platform"],
)
def test_the_checker_knows_such_actions(source: Any, description: str) -> None:
    findings = {finding.what: finding for finding in check(source)}
    expected = f"{description}: for agents such as pdqn, or dqn with chosen values (env.choices)"
    assert (findings["actions"].status, findings["actions"].why) == ("ok", expected)
    assert "exactly" in findings["exact resume"].why
    assert findings["determinism"].status == "ok"
    assert all(finding.status != "fail" and "\n" not in finding.why for finding in findings.values())


def test_the_checker_names_what_does_not_fit() -> None:
    endless = spaces.Tuple([spaces.Discrete(1, start=3), spaces.Tuple([spaces.Box(0.0, np.inf, (2,))])])
    findings = {finding.what: finding for finding in check(partial(Echo, endless))}
    assert findings["actions"].status == findings["agents"].status == "fail"
    assert "no finite bounds" in findings["actions"].why
