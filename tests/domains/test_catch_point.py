"""Catch Point: steps by hand, catching, failing, and what a straight line and a coin reach."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.domains.catch_point import CATCH, MOVE, CatchPoint, CatchPointState
from argmaxq.domains.point import Point
from support.episodes import play

KEY = jax.random.key(0)
ENV = CatchPoint()


def state(position: Any, velocity: Any, target: Any, failures: int = 0) -> CatchPointState:
    point = Point(*(np.array(vector, np.float32) for vector in (position, velocity, target, (0, 0))))
    return CatchPointState(point, np.int32(failures), np.bool_(False))


def action(index: int, half_turns: float = 0.0) -> Any:
    return index, (np.array([half_turns], np.float32), np.zeros(0, np.float32))


def step(before: CatchPointState, act: Any) -> tuple[CatchPointState, float, bool]:
    after = ENV.transition(before, act, KEY)
    return after, float(ENV.reward(before, act, after, KEY)), bool(ENV.terminal(after, KEY))


def test_a_move_by_hand() -> None:
    """A quarter turn pushes along the first axis: v = 0.75 (0.4, 0) + 0.1 (2, 0), x = (0, 0) + 0.1 v."""
    after, reward, terminal = step(state((0, 0), (0.4, 0), (1, 0.5)), action(MOVE, 0.5))
    np.testing.assert_allclose(after.point.velocity, [0.5, 0], atol=1e-6)
    np.testing.assert_allclose(after.point.position, [0.05, 0], atol=1e-6)
    np.testing.assert_allclose(ENV.observation(after, KEY), [0.5, 0, 0.95, 0.5], atol=1e-6)
    assert reward == pytest.approx(-(0.95**2 + 0.25))
    assert not terminal


def test_no_turn_pushes_along_the_second_axis() -> None:
    after, _, _ = step(state((0, 0), (0, 0), (1, 1)), action(MOVE, 0.0))
    np.testing.assert_allclose(after.point.velocity, [0, 0.2], atol=1e-6)


def test_the_angle_is_clipped() -> None:
    beyond, _, _ = step(state((0, 0), (0, 0), (1, 1)), action(MOVE, 7.3))
    bound, _, _ = step(state((0, 0), (0, 0), (1, 1)), action(MOVE, 1.0))
    np.testing.assert_array_equal(beyond.point.velocity, bound.point.velocity)


def test_a_catch_drifts_first_and_then_reaches_for_the_target() -> None:
    """At distance 0.24 and drifting 0.06 towards it, the target comes within 0.2 in the step of the catch."""
    before = state((0, 0), (0.8, 0), (0.24, 0))
    after, reward, terminal = step(before, action(CATCH))
    assert bool(after.caught)
    assert reward == pytest.approx(20 - 0.18**2)
    assert terminal
    assert bool(ENV.transition_info(before, action(CATCH), after)["success"])
    assert not bool(step(before, action(MOVE, 0.5))[0].caught), "being near is not catching"


def test_the_eleventh_failed_catch_ends_the_episode() -> None:
    now, ends = state((0, 0), (0, 0), (1, 0)), []
    for _ in range(11):
        now, reward, terminal = step(now, action(CATCH))
        assert reward == pytest.approx(-1)
        ends.append(terminal)
    assert ends == [False] * 10 + [True]
    assert int(now.failures) == 11
    assert not bool(now.caught)


def test_moves_are_no_failures() -> None:
    after, _, _ = step(state((0, 0), (0, 0), (1, 0), failures=10), action(MOVE))
    assert int(after.failures) == 10


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(-2, 2)), min_size=1, max_size=25), st.integers(0, 1000))
def test_observations_stay_within_their_space(actions: list[tuple[int, float]], seed: int) -> None:
    now = ENV.initial(jax.random.key(seed))
    assert ENV.observation_space.contains(np.asarray(ENV.observation(now, KEY)))
    for index, half_turns in actions:
        now = ENV.transition(now, action(index, half_turns), KEY)
        assert ENV.observation_space.contains(np.asarray(ENV.observation(now, KEY)))


def test_actions_of_the_space_are_taken() -> None:
    ENV.action_space.seed(0)
    for _ in range(20):
        after, _, _ = step(ENV.initial(KEY), ENV.action_space.sample())
        assert np.isfinite(ENV.observation(after, KEY)).all()


def test_a_parameter_that_is_no_number_shows() -> None:
    after, reward, _ = step(ENV.initial(KEY), action(MOVE, np.nan))
    assert np.isnan(ENV.observation(after, KEY)[:2]).all()
    assert np.isnan(reward)


def test_starts() -> None:
    """Uniform over the square, point and target apart, at rest; the same key starts the same."""
    starts = jax.vmap(ENV.initial)(jax.random.split(jax.random.key(1), 4000))
    for places in (starts.point.position, starts.point.target):
        assert np.abs(places).max() <= 1
        np.testing.assert_allclose(places.mean(0), 0, atol=0.05)
        np.testing.assert_allclose(places.var(0), 1 / 3, atol=0.02)
    together = np.concatenate([starts.point.position, starts.point.target], axis=1)
    assert np.abs(np.corrcoef(together.T) - np.eye(4)).max() < 0.06
    assert not starts.point.velocity.any()
    np.testing.assert_array_equal(ENV.initial(KEY).point.position, ENV.initial(KEY).point.position)


def straight(obs: Any, key: Any) -> Any:
    """Steer for the target, allowing for the drift; catch as soon as drifting brings the point near enough."""
    velocity, to_target = obs[:2], obs[2:]
    aim = to_target - 0.3 * velocity
    near = jnp.sum(jnp.square(to_target - 0.075 * velocity)) <= 0.2**2
    return jnp.where(near, CATCH, MOVE), (jnp.arctan2(aim[0], aim[1])[None] / np.pi, jnp.zeros(0))


def at_random(obs: Any, key: Any) -> Any:
    one, other = jax.random.split(key)
    return jax.random.randint(one, (), 0, 2), (jax.random.uniform(other, (1,), minval=-1), jnp.zeros(0))


def test_a_straight_line_catches_nearly_always() -> None:
    """The rest start too far apart for 25 steps."""
    episodes = play(ENV, straight, steps=25, episodes=4000)
    assert 0.95 < episodes.success.mean() < 0.98
    nothing_caught = play(ENV, lambda obs, key: (MOVE, straight(obs, key)[1]), steps=25, episodes=100)
    assert not nothing_caught.success.any()


def test_a_random_policy_hardly_ever_catches() -> None:
    episodes = play(ENV, at_random, steps=25, episodes=4000)
    assert 0.03 < episodes.success.mean() < 0.07
    assert episodes.returns.mean() == pytest.approx(-27.3, abs=1.5)
    assert episodes.lengths.min() >= 1
    assert (episodes.lengths[~episodes.success] >= 11).all(), "eleven failures take eleven steps"
