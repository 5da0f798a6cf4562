"""Goal, Hard Goal, Catch Point and Hard Move as Gymnasium environments, and pictures of all environments of ours."""

import itertools
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional, time_limit
from argmaxq.domains.catch_point import CatchPoint
from argmaxq.domains.goal import Goal
from argmaxq.domains.gym_env import GymEnv
from argmaxq.domains.hard_move import HardMove
from argmaxq.domains.hidden import CartPoleHidden, MountainCarHidden
from argmaxq.domains.memory_chain import MemoryChain
from argmaxq.domains.point import Point
from argmaxq.domains.t_maze import TMaze

KEY = jax.random.key(0)
CASES: list[tuple[str, dict[str, Any], int, tuple[int, ...], int | None]] = [
    ("argmaxq/Goal-v0", {}, 3, (14,), None),
    ("argmaxq/Goal-v0", {"legacy": True, "features": True}, 3, (17,), None),
    ("argmaxq/HardGoal-v0", {"features": True}, 11, (17,), None),
    ("argmaxq/CatchPoint-v0", {}, 2, (4,), 25),
    ("argmaxq/HardMove-v0", {}, 16, (4,), 30),
    ("argmaxq/HardMove-v0", {"n": 6}, 64, (4,), 30),
]
each_case = pytest.mark.parametrize(("id", "kwargs", "actions", "shape", "steps"), CASES)


@pytest.mark.filterwarnings("ignore:.*(infinity|normalized space):UserWarning")
@each_case
def test_gymnasium_makes_them(id: str, kwargs: Any, actions: int, shape: Any, steps: int | None) -> None:
    """Their spaces are the FuncEnv's, and they pass Gymnasium's own checks."""
    env = gymnasium.make(id, **kwargs)
    assert env.action_space[0].n == len(env.action_space[1]) == actions
    assert env.observation_space.shape == shape
    assert time_limit(id) == steps
    assert functional(id, kwargs).action_space == env.action_space
    check_env(env.unwrapped, skip_render_check=True)


@each_case
def test_episodes_are_a_function_of_the_seed(id: str, kwargs: Any, actions: int, shape: Any, steps: Any) -> None:
    env = gymnasium.make(id, **kwargs)

    def episode(seed: int) -> list[np.ndarray]:
        env.action_space.seed(0)
        seen, ended = [env.reset(seed=seed)[0]], False
        while not ended:
            obs, _, terminated, truncated, info = env.step(env.action_space.sample())
            assert isinstance(info["success"], bool)
            assert env.observation_space.contains(obs)
            seen.append(obs)
            ended = terminated or truncated
        return seen

    np.testing.assert_array_equal(episode(1), episode(1))
    assert not np.array_equal(episode(1)[0], episode(2)[0])


def test_a_time_limit_truncates() -> None:
    env = gymnasium.make("argmaxq/HardMove-v0")
    env.reset(seed=0)
    nothing = (0, tuple(np.zeros(1, np.float32) for _ in range(16)))
    ends = [env.step(nothing)[2:4] for _ in range(30)]
    assert ends == [(False, False)] * 29 + [(False, True)]


def test_actions_that_do_not_fit() -> None:
    env = gymnasium.make("argmaxq/CatchPoint-v0").unwrapped
    env.reset(seed=0)
    nothing = np.zeros(0, np.float32)
    for action in [(2, ([0.0], nothing)), (0, ([np.nan], nothing)), (0, ([0.0, 1.0], nothing)), (0, [0.5])]:
        with pytest.raises(UserError, match="the action"):
            env.step(action)
    env.step((0, ([5.0], nothing)))  # clipped


def test_arguments_that_they_do_not_take() -> None:
    with pytest.raises(UserError, match="HardMove-v0"):
        functional("argmaxq/HardMove-v0", {"actuators": 4})


DRAWN = [Goal(), CatchPoint(), HardMove(6), MemoryChain(7), TMaze(101), CartPoleHidden(), MountainCarHidden()]


@pytest.mark.parametrize("env", DRAWN, ids=lambda env: type(env).__name__)
def test_pictures(env: Any) -> None:
    """Always of one size; the same state gives the same picture, another state another."""
    made = GymEnv(env, render_mode="rgb_array")
    made.action_space.seed(0)
    made.reset(seed=0)
    first, again = made.render(), made.render()
    for _ in range(4):
        made.step(made.action_space.sample())
    after = made.render()
    assert first.dtype == np.uint8
    assert first.shape == after.shape
    assert first.shape[0] % 2 == first.shape[1] % 2 == 0, "video encoders want even sizes"
    np.testing.assert_array_equal(first, again)
    assert (first != after).any()


def colour(picture: np.ndarray, wanted: tuple[int, int, int]) -> np.ndarray:
    """Centre of the pixels of a colour: from the left, from the top."""
    found = np.argwhere((np.abs(picture.astype(int) - wanted) <= 4).all(axis=-1))
    assert len(found) > 5
    return found.mean(axis=0)[::-1]


def test_a_picture_of_goal_shows_everyone_where_they_are() -> None:
    """18 pixels a metre, y upwards, 1.5 metres around the pitch."""
    made = GymEnv(Goal(), render_mode="rgb_array")
    obs, _ = made.reset(seed=4)
    picture = made.render()
    for wanted, (x, y) in (((58, 104, 190), obs[0:2]), ((219, 112, 57), obs[5:7])):
        np.testing.assert_allclose(colour(picture, wanted), [18 * (x + 1.5), 18 * (16.5 - y)], atol=4)


@pytest.mark.parametrize("far", [0.0, 5.0])
def test_a_picture_of_a_point_widens_with_it(far: float) -> None:
    """Point and target are seen wherever they are; the force points where it acts."""
    from argmaxq.domains.drawings import points

    vectors = [np.array(vector, np.float32) for vector in ((far, -0.5), (0, 0), (-0.5, 0.5), (2, 0))]
    picture = np.asarray(pixels(points.picture(Point(*vectors), actuators=4)))
    half = max(1.4, far + 0.4)
    scale = 240 / half
    np.testing.assert_allclose(colour(picture, (244, 200, 174)), [240 - 0.5 * scale, 240 - 0.5 * scale], atol=2)
    force = colour(picture, (201, 71, 71))
    assert force[0] > 240 + far * scale
    assert force[1] == pytest.approx(240 + 0.5 * scale, abs=2)


def pixels(surface: Any) -> np.ndarray:
    import pygame

    return pygame.surfarray.array3d(surface).swapaxes(0, 1)


@pytest.mark.parametrize("index", [0, 1])
def test_moments_are_the_micro_steps_of_a_transition(index: int) -> None:
    """They end where the transition ends, one for each micro-step, and each but the last is not the end."""
    env = Goal()
    for seed in range(5):
        key = jax.random.key(seed)
        state = env.initial(key)
        action = index, [jnp.array([6.0, 1.0]), jnp.array([5.0]), jnp.array([-5.0])]
        after, (moments, count) = env.transition(state, action, key), env.moments(state, action, key)
        assert int(count) == int(after.micro_steps) > 1
        last = jax.tree.map(lambda leaf, n=count - 1: leaf[n], moments)
        jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-4), last, after)
        steps = np.asarray(moments.micro_steps[: int(count)])
        np.testing.assert_array_equal(steps, np.arange(1, count + 1))
        far = np.abs(np.diff(np.asarray(moments.scene.ball.position[: int(count)]), axis=0))
        assert far.max() < 3, "the ball moves less than 2.7 on each axis, and is pushed by less than 0.3"


def test_frames_of_an_action() -> None:
    made = GymEnv(Goal(), render_mode="rgb_array")
    made.reset(seed=0)
    *_, info = made.step((0, ([6.0, 1.0], [1.0], [-1.0])))
    frames = list(made.render_frames())
    assert len(frames) == info["micro_steps"]
    np.testing.assert_array_equal(frames[-1], made.render())
    assert all((one != other).any() for one, other in itertools.pairwise(frames[:10]))
