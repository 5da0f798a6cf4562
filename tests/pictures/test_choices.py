"""Choices of agents that were really trained, and their pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled, single
from argmaxq.streams import streams
from argmaxq.training.evaluation import Evaluator
from argmaxq.visualisation.choices import MOST, Choices, draw_choices, panels, play
from support.drawings import texts


@pytest.fixture(scope="module")
def discretised(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train("platform/dqn-discrete", steps=600, out=tmp_path_factory.mktemp("pictures") / "discretised")


def episodes_in_gymnasium(run: aq.Run, episodes: int, seed: int) -> list[tuple[Any, Any]]:
    """Observations and actions of the episodes that evaluation plays in one of Gymnasium's environments."""
    policy, env = run.policy(), single(run.recipe.env)
    seen = []
    for word in np.random.SeedSequence([seed, 2]).generate_state(episodes) >> 1:
        obs, over = env.reset(seed=int(word))[0], False
        while not over:
            action = policy(obs)
            seen.append((obs, action))
            obs, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
    return seen


def episodes_in_lanes(run: aq.Run, episodes: int, seed: int) -> list[tuple[Any, Any]]:
    """Observations and the environment's own actions of the episodes that evaluation plays, each in its own lane."""
    policy, env = run.policy(), compiled(run.recipe.env)
    assert env is not None
    key = streams(int(np.random.SeedSequence([seed, 2]).generate_state(1)[0] >> 1)).environment
    seen = []
    for lane in range(episodes):
        start = env.reset(jax.random.split(key, episodes)[lane])
        state, obs, row, over = start.state, start.obs, 0, False
        while not over:
            action = policy(np.asarray(obs))
            seen.append((obs, action))
            keys = env.draw(jax.random.split(jax.random.fold_in(key, row), episodes)[lane]).keys
            state = env.env.transition(state, action, keys[0])
            obs, row = env.env.observation(state, keys[3]), row + 1
            over = bool(env.env.terminal(state, keys[2])) or row == env.time_limit
    return seen


def ordered(rows: Any) -> np.ndarray:
    """Rows [n, m] in an order of their own."""
    table = np.array(rows, float)
    return table[np.lexsort(table.T[::-1])]


def chosen(choices: Choices) -> list[tuple[float, float, float]]:
    """Action, its one parameter and the first entry of the observation."""
    assert choices.parameters is not None
    return [
        (float(action), float(own[action]), float(obs[0]))
        for obs, action, own in zip(choices.observations, choices.actions, choices.parameters, strict=True)
    ]


@pytest.mark.parametrize("name", ["platform", "discretised"])
def test_choices_are_what_the_environment_was_given(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    rows = [(action, own[int(action)][0], obs[0]) for obs, (action, own) in episodes_in_lanes(run, 6, 3)]
    played, by_hand = np.array(chosen(play(run, 6, seed=3))), np.array(rows, float)
    assert played.shape == by_hand.shape
    # A batch is rounded otherwise than one observation, so no order is quite the same: each has its like in the other.
    distance = (np.abs(played[:, None] - by_hand) / by_hand.max(axis=0, initial=1e-3)).max(axis=-1)
    assert distance.min(axis=0).max() < 1e-3
    assert distance.min(axis=1).max() < 1e-3


def test_discretised_actions_have_the_parameters_that_they_stand_for(discretised: aq.Run) -> None:
    choices = discretised.recipe.env.choices
    found = play(discretised, 6)
    assert found.kinds == 3
    for action, parameter, _ in chosen(found):
        assert np.abs(np.array(choices[int(action)]) - parameter).min() < 1e-3


def test_discrete_actions_are_those_of_the_policy(cartpoles: aq.Run) -> None:
    run = cartpoles.parts[0]
    found = play(run, 3)
    by_hand = [(*obs, action) for obs, action in episodes_in_gymnasium(run, 3, 1)]
    assert found.kinds == 2
    rows = np.column_stack([found.observations, found.actions])
    np.testing.assert_allclose(ordered(rows), ordered(by_hand), rtol=1e-6)


def vector(num_envs: int) -> Callable[[], Any]:
    return lambda: gym.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="sync")


@pytest.mark.parametrize(
    ("env", "width"),
    [(Env("CartPole-v1"), 32), (Env(CartPole, time_limit=100), 40), (Env(vector(20)), 20)],
    ids=["gymnasium", "functional", "vector"],
)
def test_a_witness_sees_each_step_of_each_episode_once(env: Env, width: int) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    evaluator = Evaluator(env)
    choose, witness = lambda obs, _: np.arange(len(obs), dtype=np.int32) % 2, lambda *moment: seen.append(moment)
    returns = evaluator.play(choose, 40, [1], witness).returns
    evaluator.close()
    observations, actions = (np.concatenate(each) for each in zip(*seen, strict=True))
    assert len(observations) == len(actions) == returns.sum()  # each step of CartPole earns 1
    assert max(len(obs) for obs, _ in seen) == width
    assert (np.abs(observations[:, 2]) <= CartPole.angle_limit).all(), "nothing is chosen once the pole has fallen"


def test_a_panel_shows_one_parameter_of_one_action(platform: aq.Run) -> None:
    choices = play(platform, 6)
    across = choices.observations[:, 0]
    found = panels(choices, across, ("run", "hop", "leap"))
    assert [panel.name.partition(":")[0] for panel in found] == ["run", "hop", "leap"]
    assert [panel.bounds for panel in found] == [(0, 30), (0, 720), (0, 430)]
    rows = [
        (action, value, x)
        for action, panel in enumerate(found)
        for x, value in zip(panel.across, panel.values if panel.values is not None else (), strict=True)
    ]
    np.testing.assert_array_equal(ordered(rows), ordered(chosen(choices)))


def test_of_many_actions_those_chosen_most_are_shown(tmp_path: Path) -> None:
    recipe = aq.replace(aq.find("platform/mpdqn"), {"env.id": "argmaxq/HardMove-v0", "evaluation.every": 0})
    choices = play(aq.train(recipe, steps=600, out=tmp_path / "run"), 4)
    assert choices.kinds == 16
    found = panels(choices, choices.observations[:, 0], [str(action) for action in range(16)])
    sizes = [len(panel.across) for panel in found]
    assert sorted(sizes) == sorted(np.bincount(choices.actions, minlength=16))[-MOST:]


def test_platforms_picture_says_what_is_shown(platform: aq.Run, tmp_path: Path) -> None:
    out = draw_choices(platform, tmp_path / "new" / "choices.svg", episodes=3)
    written = texts(out)
    assert "mpdqn on argmaxq/Platform-v0: choices in 3 greedy episodes" in written
    assert "x of the player [px]" in written
    assert written.count("gap") == 6
    for name in ("run: ", "hop: ", "leap: "):
        assert sum(text.startswith(name) for text in written) == 1
    other = draw_choices(platform, tmp_path / "other.svg", episodes=1, dimension=2)
    assert {"x of the enemy [px]", "mpdqn on argmaxq/Platform-v0: choices in one greedy episode"} <= set(texts(other))


def test_a_picture_of_discrete_actions_names_them(cartpoles: aq.Run, tmp_path: Path) -> None:
    written = texts(draw_choices(cartpoles.parts[1], tmp_path / "choices.svg", episodes=2, dimension=2))
    assert "angle [rad]" in written
    assert any(text.startswith("push left") for text in written)


def test_episodes_and_seed_are_checked(platform: aq.Run, tmp_path: Path) -> None:
    for wrong, words in (
        ({"episodes": 0}, "at least one is needed"),
        ({"seed": -1}, "seed = -1: it must be at least 0"),
    ):
        with pytest.raises(UserError, match=words):
            draw_choices(platform, tmp_path / "a.png", **wrong)
