"""Hard Move: directions of actuator sets, steps by hand, and what a straight line and a coin reach."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.errors import UserError
from argmaxq.domains.hard_move import HardMove, directions
from argmaxq.domains.point import Point
from support.episodes import play

KEY = jax.random.key(0)
ENV = HardMove()


def point(position: Any, velocity: Any, target: Any) -> Point:
    return Point(*(np.array(vector, np.float32) for vector in (position, velocity, target, (0, 0))))


def only(index: int, strength: float, n: int = 4) -> Any:
    """An action whose other strengths are no numbers: they must not be read."""
    strengths = np.full(2**n, np.nan, np.float32)
    strengths[index] = strength
    return index, strengths


def test_directions_of_four_actuators() -> None:
    """Two neighbours make the longest sum, sqrt 2; opposites cancel."""
    found, single = directions(4), 1 / np.sqrt(2)
    expected = {
        0b0000: (0, 0), 0b0101: (0, 0), 0b1010: (0, 0), 0b1111: (0, 0),
        0b0001: (single, 0), 0b0010: (0, single), 0b0100: (-single, 0), 0b1000: (0, -single),
        0b1011: (single, 0), 0b0111: (0, single), 0b1110: (-single, 0), 0b1101: (0, -single),
        0b0011: (single, single), 0b0110: (-single, single), 0b1100: (-single, -single), 0b1001: (single, -single),
    }  # fmt: skip
    assert len(expected) == len(found) == 16
    for index, direction in expected.items():
        np.testing.assert_allclose(found[index], direction, atol=1e-6)


@pytest.mark.parametrize("n", range(1, 11))
def test_directions_are_sums_and_the_longest_has_length_one(n: int) -> None:
    """The direction of a set is the sum of those of its actuators; all actuators together cancel."""
    found = directions(n).astype(np.float64)
    single = found[2 ** np.arange(n)]
    for index in range(2**n):
        np.testing.assert_allclose(found[index], single[[bool(index >> i & 1) for i in range(n)]].sum(0), atol=1e-5)
    lengths = np.linalg.norm(found, axis=-1)
    assert lengths.max() == pytest.approx(1)
    if n > 1:
        assert lengths[-1] < 1e-5
    np.testing.assert_allclose(np.linalg.norm(single, axis=-1), lengths[1], atol=1e-6)


def test_a_step_by_hand() -> None:
    """Actuators 0 and 1 at half strength: F = 2 x 0.5 x (0.7071, 0.7071), v = 0.75 (0.4, 0) + 0.1 F."""
    before = point((0, 0), (0.4, 0), (1, 1))
    after = ENV.transition(before, only(0b0011, 0.5), KEY)
    velocity = np.array([0.3 + 0.0707107, 0.0707107])
    np.testing.assert_allclose(after.velocity, velocity, atol=1e-6)
    np.testing.assert_allclose(after.position, 0.1 * velocity, atol=1e-6)
    np.testing.assert_allclose(ENV.observation(after, KEY), [*velocity, *(1 - 0.1 * velocity)], atol=1e-6)
    reward = float(ENV.reward(before, only(0b0011, 0.5), after, KEY))
    assert reward == pytest.approx(-np.square(1 - 0.1 * velocity).sum(), rel=1e-6)
    assert not bool(ENV.terminal(after, KEY))


def test_a_negative_strength_pushes_the_other_way_and_strengths_are_clipped() -> None:
    before = point((0, 0), (0, 0), (1, 1))
    pushed = ENV.transition(before, only(0b0001, 1.0), KEY)
    np.testing.assert_allclose(ENV.transition(before, only(0b0001, -1.0), KEY).velocity, -pushed.velocity)
    np.testing.assert_allclose(ENV.transition(before, only(0b0001, 9.0), KEY).velocity, pushed.velocity)
    np.testing.assert_allclose(ENV.transition(before, only(0b0100, -1.0), KEY).velocity, pushed.velocity, atol=1e-7)


def test_reaching_the_target_ends_the_episode_and_earns_twenty() -> None:
    """From 0.26 away at full speed towards it: v = 0.6 + 0.1414, so the point stops 0.1859 short."""
    before = point((0, 0), (0.8, 0), (0.26, 0))
    after = ENV.transition(before, only(0b0001, 1.0), KEY)
    short = 0.26 - 0.1 * (0.6 + 0.2 / np.sqrt(2))
    assert bool(ENV.terminal(after, KEY))
    assert bool(ENV.transition_info(before, only(1, 1.0), after)["success"])
    assert float(ENV.reward(before, only(1, 1.0), after, KEY)) == pytest.approx(20 - short**2, rel=1e-6)


@pytest.mark.parametrize("n", [4, 10])
def test_strengths_in_every_form(n: int) -> None:
    """A tuple as the action space has it, one array, or a column: the same step."""
    env = HardMove(n)
    env.action_space.seed(0)
    index, strengths = env.action_space.sample()
    array = np.concatenate(strengths)
    state = env.initial(KEY)
    one, two, three = (
        jax.jit(env.transition)(state, (index, form), KEY) for form in (strengths, array, array[:, None])
    )
    np.testing.assert_array_equal(one.position, two.position)
    np.testing.assert_array_equal(one.position, three.position)
    assert (one.velocity != state.velocity).any()


def test_spaces() -> None:
    space = HardMove(6).action_space
    assert space[0].n == len(space[1]) == 64
    assert all(box.shape == (1,) and box.low == -1 and box.high == 1 for box in space[1])


@pytest.mark.parametrize("n", [0, 13])
def test_numbers_of_actuators_that_make_no_sense(n: int) -> None:
    with pytest.raises(UserError, match=f"not {n}"):
        HardMove(n)


def test_a_strength_that_is_no_number_shows() -> None:
    after = ENV.transition(ENV.initial(KEY), only(3, np.nan), KEY)
    assert np.isnan(ENV.observation(after, KEY)).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.floats(-2, 2)), min_size=1, max_size=30), st.integers(0, 1000))
def test_observations_stay_within_their_space(actions: list[tuple[int, float]], seed: int) -> None:
    now = ENV.initial(jax.random.key(seed))
    for index, strength in actions:
        now = ENV.transition(now, only(index, strength), KEY)
        assert ENV.observation_space.contains(np.asarray(ENV.observation(now, KEY)))


def straight(n: int) -> Any:
    """The set and sign whose direction is closest to that of the target, allowing for the drift, at full strength."""

    def act(obs: Any, key: Any) -> Any:
        along = jnp.asarray(directions(n)) @ (obs[2:] - 0.3 * obs[:2])
        return jnp.argmax(jnp.abs(along)), jnp.sign(along)

    return act


def at_random(n: int) -> Any:
    def act(obs: Any, key: Any) -> Any:
        one, other = jax.random.split(key)
        return jax.random.randint(one, (), 0, 2**n), jax.random.uniform(other, (2**n,), minval=-1)

    return act


@pytest.mark.parametrize(("n", "share"), [(4, 0.965), (6, 0.985), (10, 0.995)])
def test_a_straight_line_nearly_always_arrives(n: int, share: float) -> None:
    """Four actuators have few directions, so some starts lie too far apart for 30 steps."""
    episodes = play(HardMove(n), straight(n), steps=30, episodes=4000)
    assert episodes.success.mean() == pytest.approx(share, abs=0.012)


@pytest.mark.parametrize("n", [4, 8])
def test_a_random_policy_hardly_ever_arrives(n: int) -> None:
    episodes = play(HardMove(n), at_random(n), steps=30, episodes=4000)
    assert 0.03 < episodes.success.mean() < 0.06
    assert episodes.returns.mean() == pytest.approx(-38.7, abs=2)
