"""Lanes of real environments: every row is held against a diary kept inside the environments."""

from collections.abc import Iterator
from functools import partial
from itertools import chain, islice, pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from argmaxq.components.errors import UserError
from argmaxq.environments.make import lane_maker
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes, lane_seeds
from argmaxq.lanes.vector_lanes import VectorLanes
from support.lane_rows import RowOfOne, random_actions, record

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
RECORDED = slice(2, None)


class Diary(gym.Wrapper):
    """Writes down all that happens inside an environment."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self.pages: list[tuple[Any, ...]] = []

    def reset(self, **options: Any) -> Any:
        obs, info = self.env.reset(**options)
        self.pages.append(("reset", obs.copy()))
        return obs, info

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.pages.append(("step", int(action), obs.copy(), float(reward), bool(terminated), bool(truncated)))
        return obs, reward, terminated, truncated, info


def diary_of(name: str, **options: Any) -> Diary:
    return Diary(gym.make(name, **options))


def rows_of(pages: list[tuple[Any, ...]], mode: AutoresetMode) -> Iterator[RowOfOne]:
    """The rows that an environment with this diary must have shown; ``None`` stands for an ignored action."""
    obs: Any = None
    hidden = False
    for page in pages:
        if page[0] == "reset":
            obs = page[1]
            continue
        _, action, following, reward, terminated, truncated = page
        if hidden:
            hidden, obs = False, following
            continue
        yield obs, action, reward, terminated, truncated, False
        obs = following
        next_step = mode is AutoresetMode.NEXT_STEP
        if (next_step and terminated) or (truncated and not terminated):
            yield obs, None, 0.0, False, False, True
            hidden = not next_step


def assert_rows(rows: list[RowOfOne], expected: list[RowOfOne]) -> None:
    assert 0 <= len(expected) - len(rows) <= 1  # the diary may end with an episode whose last row is not yet shown
    for row, other in zip(rows, expected, strict=False):
        np.testing.assert_array_equal(row[0], other[0])
        assert other[1] is None or row[1] == other[1]
        assert row[RECORDED] == pytest.approx(other[RECORDED])


@pytest.mark.parametrize("limit", [1, 2, 15, 40])
def test_gymnasium_lanes_show_every_step_of_their_environments(limit: int) -> None:
    lanes = GymnasiumLanes(partial(diary_of, "CartPole-v1", max_episode_steps=limit), 3)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 300))
    for row, copy in zip(rows, lanes._copies.made.values(), strict=True):
        pages = copy.env.pages[1:]  # the first reset only seeds
        assert_rows(row, list(rows_of(pages, AutoresetMode.NEXT_STEP)))


@pytest.mark.parametrize("limit", [1, 2, 15, 40])
@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("mode", AutoresetMode)
def test_vector_lanes_show_the_true_rows_in_every_mode(mode: AutoresetMode, copy: bool, limit: int) -> None:
    makers = [partial(diary_of, "CartPole-v1", max_episode_steps=limit)] * 3
    env = SyncVectorEnv(makers, copy=copy, autoreset_mode=mode)
    lanes = VectorLanes(env)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 300))
    for row, inner in zip(rows, env.envs, strict=True):
        assert_rows(row, list(rows_of(inner.pages, mode)))
    marked = [row[5] for lane in rows for row in lane]
    assert any(marked), "no episode ended: the test shows nothing"
    if limit == 40 and mode is not AutoresetMode.NEXT_STEP:
        assert any(row[3] for lane in rows for row in lane), "no termination: the test shows nothing"


def test_disabled_mode_records_whole_episodes() -> None:
    makers = [partial(diary_of, "CartPole-v1", max_episode_steps=8)] * 2
    env = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.DISABLED)
    lanes = VectorLanes(env)
    rows = record(lanes, lanes.reset(0), random_actions(lanes, 200))
    firsts = [page[1].tobytes() for page in env.envs[0].pages if page[0] == "reset"]
    for before, row in pairwise(rows[0]):
        if before[5]:
            assert row[0].tobytes() in firsts


@pytest.mark.parametrize("limit", [1, 8, 40])
def test_whole_episodes_of_same_step_mode_are_shown_from_their_first_observations(limit: int) -> None:
    makers = [partial(diary_of, "CartPole-v1", max_episode_steps=limit)] * 2
    env = SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    lanes = VectorLanes(env, whole=True)
    lanes.reset(0)
    diaries = [islice(inner.pages, 1, None) for inner in env.envs]
    for actions in random_actions(lanes, 200):
        step = lanes.step(actions)
        assert step.final is not None
        assert step.unseen is None
        assert not step.last.any()
        for lane, diary in enumerate(diaries):
            _, action, following, *flags = next(diary)
            assert (action, *flags) == (
                actions[lane],
                step.reward[lane],
                step.terminated[lane],
                step.truncated[lane],
            )
            if not step.terminated[lane]:
                np.testing.assert_array_equal(step.final[lane], following)
            shown = next(diary)[1] if step.begins[lane] else following
            np.testing.assert_array_equal(step.obs[lane], shown)


def test_cartpoles_own_vector_class() -> None:
    lanes = VectorLanes(CartPoleVectorEnv(4, max_episode_steps=30))
    model = CartPoleEnv()
    ends = []
    for rows in record(lanes, lanes.reset(0), random_actions(lanes, 300)):
        for row, after in pairwise(rows):
            obs, action, reward, terminated, truncated, last = row
            assert after[5] == (terminated or truncated)
            if last:
                assert (reward, terminated, truncated) == (0.0, False, False)
                assert np.abs(after[0]).max() <= 0.05
                continue
            model.reset()
            model.state = tuple(map(float, obs))
            expected, _, fallen, _, _ = model.step(action)
            np.testing.assert_allclose(after[0], expected, atol=1e-5)
            assert fallen == terminated
            ends.append((terminated, truncated))
    assert (False, True) in ends
    assert (True, False) in ends


def test_a_vector_environment_must_declare_how_it_resets() -> None:
    env = SyncVectorEnv([CartPoleEnv])
    env.metadata = {}
    with pytest.raises(UserError, match="autoreset_mode"):
        VectorLanes(env)


def test_seeds_of_lanes_do_not_overlap() -> None:
    runs = [lane_seeds(seed, count, 64) for seed in range(8) for count in (0, 1)]
    assert len(set(chain(*runs))) == 16 * 64
    assert all(0 <= seed < 2**31 for run in runs for seed in run)
    lanes = GymnasiumLanes(lane_maker("CartPole-v1"), 4)
    first, other, again = lanes.reset(0), lanes.reset(1), lanes.reset(0)
    assert len(np.unique(np.concatenate([first, other]), axis=0)) == 8
    np.testing.assert_array_equal(first, again)
