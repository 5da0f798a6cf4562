"""Platform through Gymnasium: spaces, actions, seeds, pictures."""

import itertools
import warnings
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pygame
import pytest
from gymnasium.utils.env_checker import check_env

from argmaxq.components.errors import UserError
from argmaxq.domains.acrobot import Acrobot
from argmaxq.domains.cartpole import CartPole
from argmaxq.domains.catalogue import functional, time_limit
from argmaxq.domains.gym_env import GymEnv
from argmaxq.environments.make import make_environment
from oracles.platform import HOP, ID, LEAP, RUN, action


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def test_spaces() -> None:
    env = gymnasium.make(ID)
    box = gymnasium.spaces.Box
    parameters = [box(0, bound, (1,), np.float32) for bound in (30, 720, 430)]
    assert env.action_space == gymnasium.spaces.Tuple(
        (gymnasium.spaces.Discrete(3), gymnasium.spaces.Tuple(parameters))
    )
    assert env.observation_space == box(0, 1, (9,), np.float32)
    assert time_limit(ID) == 200


def test_gymnasium_finds_no_fault() -> None:
    """But for its advice to scale parameters, which the original's spaces do not follow."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(gymnasium.make(ID).unwrapped)
    assert [str(each.message) for each in caught if "symmetric and normalized" not in str(each.message)] == []


def test_observations_lie_in_their_space() -> None:
    env = gymnasium.make(ID)
    env.action_space.seed(0)
    obs, info = env.reset(seed=0)
    assert info == {}
    for _ in range(500):
        assert obs in env.observation_space
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert type(reward) is float
        assert list(info) == ["micro_steps"]
        assert 1 <= info["micro_steps"] <= 144
        if terminated or truncated:
            obs, _ = env.reset()


def test_time_limit() -> None:
    env = gymnasium.make(ID, noise=False)
    env.reset(seed=0)
    env.step(action(HOP, 720))
    for step in range(2, 201):
        _, _, terminated, truncated, _ = env.step(action(HOP, 0))  # on the spot, while the enemy passes below
        if terminated:
            break
        assert truncated == (step == 200)


@pytest.mark.parametrize(("index", "beyond", "bound"), [(RUN, 1e6, 30.0), (HOP, -5.0, 0.0), (LEAP, np.inf, 430.0)])
def test_parameters_are_clipped(index: int, beyond: float, bound: float) -> None:
    env = make_environment(ID, {"noise": False})
    outcomes = []
    for parameter in (beyond, bound):
        env.reset(seed=0)
        outcomes.append(env.step(action(index, parameter))[0].tolist())
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (action(HOP, np.nan), r"part 1 of part 1 of the action is array\(\[nan\].*: it is not a number"),
        ((3, action(0, 1)[1]), "part 0 of the action is 3: it must be a whole number from 0 to 2"),
        (("run", action(0, 1)[1]), "part 0 of the action is 'run': it must be a whole number from 0 to 2"),
        (([0, [1]], action(0, 1)[1]), "it must be a whole number from 0 to 2"),
        ((np.nan, action(0, 1)[1]), "part 0 of the action is nan: it must be a whole number from 0 to 2"),
        ((None, action(0, 1)[1]), "part 0 of the action is None: it must be a whole number from 0 to 2"),
        (0, "the action is 0: it must be a tuple of 2"),
        ((0, (np.zeros(2), np.zeros(1), np.zeros(1))), r"it must be numbers of shape \(1,\)"),
    ],
)
def test_an_action_that_does_not_fit_is_refused_in_a_line(bad: Any, reason: str) -> None:
    env = gymnasium.make(ID, disable_env_checker=True)
    env.reset(seed=0)
    before = env.unwrapped.np_random.bit_generator.state
    with pytest.raises(UserError, match=reason) as caught:
        env.step(bad)
    assert "\n" not in str(caught.value)
    assert env.unwrapped.np_random.bit_generator.state == before
    assert np.isfinite(env.step(action(RUN, 1))[0]).all()


def trajectory(env: Any, actions: list[Any]) -> list[Any]:
    return [env.step(each)[0].tobytes() for each in actions]


def test_seeds() -> None:
    env = gymnasium.make(ID)
    paths = []
    for seed in (5, 5, 6):
        env.reset(seed=seed)
        paths.append(trajectory(env, [action(RUN, 2), action(RUN, 1)]))
    assert paths[0] == paths[1] != paths[2]


def test_an_episode_is_lived_again_from_its_generators_state() -> None:
    env, other = gymnasium.make(ID), gymnasium.make(ID)
    actions = [action(RUN, 2), action(RUN, 1), action(HOP, 300)]
    env.reset(seed=5)
    trajectory(env, actions[:2])
    generator = env.unwrapped.np_random.bit_generator.state
    env.reset()
    path = trajectory(env, actions)
    other.reset(seed=99)
    other.unwrapped.np_random.bit_generator.state = generator
    other.reset()
    assert trajectory(other, actions) == path
    assert other.unwrapped.np_random.bit_generator.state == env.unwrapped.np_random.bit_generator.state


def test_arguments_reach_the_dynamics() -> None:
    assert functional(ID).noise
    assert not functional(ID, {"noise": False, "render_mode": "rgb_array"}).noise
    assert not gymnasium.make(ID, noise=False).unwrapped.func_env.noise
    for made in (partial(functional, ID), partial(make_environment, ID)):
        with pytest.raises(UserError, match=r"does not take these arguments.*'nose'"):
            made({"nose": False})


def test_frames_show_each_micro_step() -> None:
    env: Any = gymnasium.make(ID, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert (first.shape, first.dtype) == ((300, 1035, 3), np.uint8)
    assert len(list(env.unwrapped.render_frames())) == 1
    _, _, _, _, info = env.step(action(HOP, 720))
    frames = list(env.unwrapped.render_frames())
    assert len(frames) == info["micro_steps"] > 130
    np.testing.assert_array_equal(frames[-1], env.render())
    heights = [highest(frame, BLUE) for frame in (first, *frames)]
    assert min(heights) == heights[len(heights) // 2] == pytest.approx(heights[0] - 62, abs=6), "the jump is seen"
    for one, other in itertools.pairwise(frames):
        assert (one != other).any()


BLUE = np.array([37, 99, 235])


def highest(frame: np.ndarray, colour: np.ndarray) -> int:
    """The topmost row below the progress bar with this colour."""
    return 40 + int(np.flatnonzero((np.abs(frame[40:].astype(int) - colour).max(-1) < 12).any(-1))[0])


def test_the_progress_bar_shows_x() -> None:
    env: Any = gymnasium.make(ID, render_mode="rgb_array")
    obs, _ = env.reset(seed=0)
    for parameter in (20, 5, 0):
        filled = int((np.abs(env.render()[28].astype(int) - BLUE).max(-1) < 12).sum())
        assert filled == pytest.approx((1055 * float(obs[0]) - 20) / 1035 * (1035 - 80), abs=2)
        obs, *_ = env.step(action(RUN, parameter))


def test_a_window_shows_each_micro_step(monkeypatch: pytest.MonkeyPatch) -> None:
    env: Any = gymnasium.make(ID, render_mode="human")
    env.unwrapped.metadata["render_fps"] = 100_000
    shown: list[Any] = []
    flip = pygame.display.flip
    monkeypatch.setattr(pygame.display, "flip", lambda: shown.append(pygame.display.get_surface().copy()) or flip())
    env.reset(seed=0)
    _, _, _, _, info = env.step(action(RUN, 5))
    assert info["micro_steps"] == 20
    assert len(shown) == 1 + 20
    assert shown[0].get_size() == (1035, 300)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    env.step(action(RUN, 5))
    assert len(shown) == 1 + 20, "a window that is being closed shows nothing more"
    env.close()
    env.close()
    assert not pygame.display.get_init()


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(UserError, match="render_mode = 'human': it is one of none"):
        GymEnv(Acrobot(), render_mode="human")
    with pytest.raises(UserError, match="nothing to draw before the first reset"):
        GymEnv(ID, render_mode="rgb_array").render()
    with pytest.raises(UserError, match="no environment 'Nothing-v0' of our own"):
        GymEnv("Nothing-v0")


def test_any_of_our_environments_can_be_wrapped() -> None:
    env = GymEnv(CartPole())
    obs, _ = env.reset(seed=3)
    assert obs in env.observation_space
    total, over = 0.0, False
    while not over:
        obs, reward, over, _, _ = env.step(1)
        total += reward
    assert 7 <= total <= 11, "always pushing to one side lets the pole fall about so soon"
