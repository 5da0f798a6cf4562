"""Starts for an environment of one's own: what they choose for which environment, what they refuse, what they say."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit, TransformReward

import argmaxq as aq
from argmaxq.components.component import bind
from argmaxq.components.paths import paths
from argmaxq.domains.cartpole import CartPole
from argmaxq.environments.env import Env
from argmaxq.environments.survey import Survey, survey
from argmaxq.lanes.spaces import read_spaces
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.features import Tiles
from argmaxq.networks.linear import Linear, Table
from argmaxq.recipes.starts import rules
from argmaxq.recipes.starts.generic import STARTS, start
from argmaxq.spaces import ArraySpec
from support.commands import Command
from support.runs import assert_same, crashed

TWO = spaces.Discrete(2)
HYBRID = spaces.Tuple((TWO, spaces.Box(-1.0, 1.0, (1,)), spaces.Box(0.0, 5.0, (2,))))
BOX = spaces.Box(-1.0, 1.0, (3,))


def found(observation: gym.Space[Any], action: gym.Space[Any] = TWO, **known: Any) -> Survey:
    return Survey(read_spaces(observation, action).spaces, **known)


def box(*low: float) -> gym.Space[Any]:
    return spaces.Box(np.array(low, np.float32), -np.array(low, np.float32))


def chosen(name: str, seen: Survey, steps: int = 100_000, lanes: int | None = None) -> Any:
    return start(name, Env("CartPole-v1"), seen, steps, lanes).recipe


# The rules.


@pytest.mark.parametrize(("limit", "gamma"), [(None, 0.99), (25, 0.99), (500, 0.99), (1_000, 0.995), (10**6, 0.998)])
def test_the_discount_looks_ahead_a_fifth_of_an_episode(limit: int | None, gamma: float) -> None:
    assert rules.discount(limit) == gamma


@pytest.mark.parametrize(("largest", "scale"), [(60.3, 0.17), (0.05, 200.0), (1e4, 1e-3), (0.0, 1.0), (np.inf, 1.0)])
def test_rewards_are_scaled_by_what_random_play_returns(largest: float, scale: float) -> None:
    assert rules.reward_scale(largest) == scale


@pytest.mark.parametrize(
    ("steps", "longest", "episodes"),
    [(10**6, None, 20), (10**6, 25, 100), (10**6, 500, 40), (10**6, 10**5, 5), (50_000, 500, 10), (8, 25, 5)],
)
def test_evaluations_are_shares_of_the_run_and_cost_no_more_than_it_by_much(
    steps: int, longest: Any, episodes: int
) -> None:
    assert rules.evaluation(steps, longest) == aq.Evaluation(max(1, steps // 25), episodes)


def test_a_replay_holds_the_run_as_far_as_memory_goes() -> None:
    small, large = found(BOX).spaces.observation, found(spaces.Box(0, 255, (84, 84, 4), np.uint8)).spaces.observation
    assert [rules.capacity(small, steps, 10) for steps in (8, 5_000, 10**7)] == [10, 5_000, 200_000]
    assert rules.capacity(large, 10**7, 10) * 84 * 84 * 4 <= rules.MEMORY
    assert rules.capacity(ArraySpec((0,), "float32"), 5_000, 10) == 5_000


def test_inputs_are_scaled_by_random_play_within_reason() -> None:
    bounds = box(-1.0, -1.0, -np.inf, -np.inf, -1.0)
    rows = np.array([[0.1, 0.001, 20.0, 7.0, 1.0], [-0.1, -0.001, -20.0, 7.0, -1.0], [np.nan] * 5])
    low, high = rules.input_box(found(bounds, obs=rows))
    # Three deviations, a tenth of the bounds, three deviations, one where nothing moved, the bounds.
    assert high == pytest.approx((0.3, 0.1, 60.0, 8.0, 1.0))
    assert low == pytest.approx((-0.3, -0.1, -60.0, 6.0, -1.0))
    assert rules.input_box(found(bounds)) == ((), ())


def test_bounds_stay_apart_however_far_from_zero_they_are() -> None:
    rows = np.array([[1e6 + 1e-3], [1e6 - 1e-3]])
    (low,), (high,) = rules.input_box(found(spaces.Box(-np.inf, np.inf, (1,)), obs=rows))
    assert high - low == pytest.approx(6e-3, rel=0.05)


def test_tiles_divide_declared_bounds_and_what_was_seen_where_there_are_none() -> None:
    low, high = rules.feature_box(found(box(-3.0, -np.inf, -np.inf), obs=np.array([[0.0, 1.0, 5.0], [0.1, -1.0, 5.0]])))
    assert (low, high) == ((-3.0, -4.0, 1.0), (3.0, 4.0, 9.0))


# Random play.


def test_random_play_is_the_same_each_time() -> None:
    one, other = survey(Env("CartPole-v1")), survey(Env("CartPole-v1"))
    np.testing.assert_array_equal(one.obs, other.obs)
    assert (one.steps, one.time_limit, one.lanes, one.obs.shape) == (1_000, 500, None, (1_001, 4))
    assert one.episodes > 20
    assert not one.endless


def test_the_largest_return_is_that_of_the_best_or_worst_tail_of_an_episode() -> None:
    rng = np.random.default_rng(0)
    reward, over = rng.normal(size=(60, 3)), rng.random((60, 3)) < 0.1
    tails = []
    for lane in range(3):
        for t in range(60):
            end = next((i for i in range(t, 60) if over[i, lane]), 59)
            tails.append(sum(0.9 ** (i - t) * reward[i, lane] for i in range(t, end + 1)))
    assert found(BOX, reward=reward, over=over).largest_return(0.9) == pytest.approx(max(map(abs, tails)))
    assert found(BOX, reward=np.array([[np.nan], [2.0]]), over=np.zeros((2, 1), bool)).largest_return(1.0) == 2.0


def test_every_kind_of_environment_is_played() -> None:
    wrapped = survey(Env(lambda: TimeLimit(gym.make("CartPole-v1").unwrapped, 30)), 100)
    assert (wrapped.time_limit, wrapped.longest) == (30, 30)
    bare = survey(Env(lambda: gym.make("CartPole-v1").unwrapped), 500)
    assert bare.time_limit is None
    assert bare.longest is not None
    assert 8 <= bare.longest <= 200
    vector = survey(Env(lambda: gym.make_vec("CartPole-v1", 6, vectorization_mode="sync")), 100)
    assert (vector.lanes, vector.reward.shape, vector.time_limit) == (6, (17, 6), 500)
    functional = survey(Env(CartPole, time_limit=40), 100)
    assert (functional.time_limit, functional.obs.shape) == (40, (101, 4))
    assert survey(Env("CliffWalking-v1"), 100).endless
    assert not survey(Env("CliffWalking-v1", time_limit=200), 100).endless


# What is chosen.


@pytest.mark.parametrize("name", ["dqn", "pqn"])
def test_a_network_sees_what_there_is(name: str) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3)) / 10
    scaled = chosen(name, found(BOX, obs=rows)).agent.network.inputs
    assert max(map(abs, scaled.low + scaled.high)) < 0.5
    image = chosen(name, found(spaces.Box(0, 255, (84, 84, 4), np.uint8)))
    assert isinstance(image.agent.network, Convolutional)
    assert bind(image.agent, found(spaces.Box(0, 255, (84, 84, 4), np.uint8)).spaces).network.scale == 1 / 255
    bound = bind(chosen(name, found(spaces.Discrete(7))).agent, found(spaces.Discrete(7)).spaces)
    assert bound.network.inputs.categories == 7


def test_an_observation_decides_what_td_learns_with() -> None:
    assert chosen("td", found(spaces.Discrete(9))).agent.network == Table()
    tiles = chosen("td", found(BOX)).agent.network
    assert isinstance(tiles, Linear)
    assert isinstance(tiles.features, Tiles)
    assert (tiles.features.low, tiles.features.high) == ((-1.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize("steps", [8, 3_000, 10**6])
def test_every_length_is_a_share_of_the_run(steps: int) -> None:
    for name, observation, action in (("dqn", BOX, TWO), ("pqn", BOX, TWO), ("pdqn", BOX, HYBRID), ("td", BOX, TWO)):
        recipe = chosen(name, found(observation, action), steps)
        schedules = [place.value for place in paths(recipe) if place.path.endswith(".per")]
        assert schedules
        assert set(schedules) == {"run"}
        assert getattr(recipe.agent, "learning_starts", 0) <= steps / 20
        assert recipe.evaluation.every <= max(1, steps / 25)


@pytest.mark.parametrize("lanes", [1, 2, 3, 8, 100, 1_000])
def test_the_work_per_step_is_the_same_in_any_number_of_lanes(lanes: int) -> None:
    seen = dataclasses.replace(found(BOX), lanes=lanes)
    dqn, pqn = chosen("dqn", seen), chosen("pqn", seen)
    assert dqn.env.lanes == pqn.env.lanes == lanes
    assert dqn.agent.updates / (dqn.agent.rollout * lanes) == 0.5
    assert pqn.agent.rollout * lanes % pqn.agent.minibatches == 0
    hybrid = chosen("pdqn", dataclasses.replace(found(BOX, HYBRID), lanes=lanes)).agent
    assert hybrid.updates == hybrid.rollout * lanes


@pytest.mark.parametrize("factor", [1e-2, 1e3])
def test_rewards_of_any_size_are_learnt_from_alike(factor: float) -> None:
    scaled = lambda: TransformReward(gym.make("CartPole-v1"), lambda reward: factor * reward)  # noqa: E731
    for name in ("dqn", "pqn"):
        plain, other = aq.find(name, "CartPole-v1"), aq.find(name, scaled)
        assert other.agent.rewards.factor * factor == pytest.approx(plain.agent.rewards.factor, rel=0.05)
        same = {"agent.rewards.factor": 1.0, "env.id": ""}
        assert aq.replace(other, same) == aq.replace(plain, same)


def test_episodes_without_an_end_are_cut() -> None:
    assert aq.find("td", "CliffWalking-v1").env.time_limit == rules.CUT
    assert aq.find("td", "FrozenLake-v1").env.time_limit is None


@pytest.mark.parametrize(
    ("name", "env", "kind"),
    [("dqn", "CartPole-v1", "dqn"), ("pqn", "Acrobot-v1", "pqn"), ("td", "Taxi-v4", "td")],
)
def test_find_gives_an_ordinary_recipe(name: str, env: str, kind: str) -> None:
    recipe = aq.find(name, env, steps=1_234)
    assert (type(recipe), type(recipe.agent).__name__.lower()) == (aq.Recipe, kind)
    assert (recipe.env.id, recipe.steps, recipe.stop) == (env, 1_234, aq.Never())


# On the command line.


def test_it_says_what_it_chose_and_records_it(argmaxq: Command) -> None:
    words = ("train", "dqn", "--env", "CartPole-v1", "--steps", "250")
    code, out, err = argmaxq(*words)
    assert (code, err) == (0, "")
    title, *lines = out.splitlines()
    lines = lines[: lines.index("dqn on CartPole-v1, compiled engine on cpu, seed 0, in runs/dqn")]
    assert title == (
        "dqn for CartPole-v1 (2 actions, episodes of 500 steps at most), chosen after 1,000 random steps of it:"
    )
    said = [line[:15].strip() for line in lines]
    assert said == ["network", "learning", "replay", "exploration", "discount", "rewards", "evaluation", "run"]
    assert all(len(line) <= 120 for line in lines)
    assert argmaxq(*words, "--quiet")[1] == "runs/dqn-2\n"


def test_what_the_user_writes_stays_and_nothing_else_is_said_of_it(argmaxq: Command) -> None:
    options = (
        "--agent.gamma",
        "0.9",
        "--agent.network.hidden",
        "8",
        "--evaluation.episodes",
        "2",
        "--agent.n-step",
        "1",
    )
    code, out, _ = argmaxq("train", "dqn", "--env", "CartPole-v1", "--steps", "250", *options)
    said = [line[:15].strip() for line in out.splitlines()[1:6]]
    assert (code, said) == (0, ["replay", "exploration", "rewards", "run", "dqn on CartPole"])
    recipe = json.loads(Path("runs/dqn/config.json").read_text())["recipe"]
    agent = recipe["agent"]
    assert (agent["gamma"], agent["n_step"], agent["network"]["hidden"]) == (0.9, 1, [8])
    assert recipe["evaluation"] == {"type": "evaluation/evaluation", "every": 10, "episodes": 2, "keep": 0}


def test_options_of_the_environment_are_heeded_in_choosing(argmaxq: Command) -> None:
    options = ("--env.lanes", "8", "--env.time-limit", "2000", "--steps", "100", "--quiet")
    assert argmaxq("train", "dqn", "--env", "CartPole-v1", *options)[0] == 0
    recipe: Any = aq.Run("runs/dqn").recipe
    assert (recipe.env.lanes, recipe.agent.rollout, recipe.agent.updates) == (8, 1, 4)
    assert recipe.agent.gamma == rules.discount(2_000)


def test_help_shows_what_would_be_chosen(argmaxq: Command) -> None:
    code, out, _ = argmaxq("train", "td", "--env", "FrozenLake-v1", "--help")
    assert code == 0
    assert "agent.network: table" in out
    code, out, _ = argmaxq("train", "--help")
    assert code == 0


def test_a_start_resumes_bit_for_bit(tmp_path: Any) -> None:
    recipe = aq.replace(aq.find("dqn", "CartPole-v1", steps=1_500), {"checkpoint_every": 300, "evaluation.every": 500})
    whole = aq.train(recipe, out=tmp_path / "whole")
    assert_same(aq.resume(crashed(recipe, tmp_path / "cut", 900).path), whole)


def test_a_table_learns_the_lake(tmp_path: Any) -> None:
    run = aq.train("td", env="FrozenLake-v1", steps=300_000, seed=1_000, out=tmp_path / "lake")
    judged = run.judge("last")
    assert judged.value >= 0.99 * judged.optimal


BARS = {
    "dqn CartPole-v1": (50_000, 475),
    "dqn Acrobot-v1": (100_000, -90),
    "dqn LunarLander-v3": (500_000, 200),
    "pqn CartPole-v1": (200_000, 475),
    "pdqn argmaxq/Platform-v0": (200_000, 0.95),
}


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("words", BARS)
def test_what_a_user_types_first_works(words: str, tmp_path: Any) -> None:
    name, env = words.split()
    steps, bar = BARS[words]
    run = aq.train(name, env=env, steps=steps, seeds=5, out=tmp_path / "run")
    assert sorted(part.summary["seeds"][0]["best"]["mean"] for part in run.parts)[1] >= bar


@pytest.mark.slow
def test_the_lake_is_solved_by_every_seed(tmp_path: Any) -> None:
    run = aq.train("td", env="FrozenLake-v1", steps=500_000, seeds=5, out=tmp_path / "run")
    assert all(part.judge().value >= 0.99 * part.judge().optimal for part in run.parts)


def test_every_start_is_documented_by_list(argmaxq: Command) -> None:
    code, out, _ = argmaxq("list")
    assert code == 0
    assert all(f"\n  {name} " in out for name in STARTS)
