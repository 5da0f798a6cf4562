"""Goal by hand: kicks, runs, rewards, targets, features and noise."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.domains import soccer
from argmaxq.domains.goal import Goal, GoalState, HardGoal
from argmaxq.domains.soccer import Body, Scene

KEY = jax.random.key(0)
BOTH = pytest.mark.parametrize("legacy", [False, True], ids=["mended", "legacy"])


def action(index: int, *parameters: Any) -> Any:
    return index, [np.asarray(parameter, np.float32) for parameter in parameters]


def test_kick_off_by_hand() -> None:
    """At y = 15 the way to the goal is (20, -15) / 25; the keeper stands 5.5 before the line, between ball and goal."""
    player, keeper, ball = soccer.kick_off(jnp.float32(15))
    np.testing.assert_allclose(player.position, [0, 15])
    assert float(player.orientation) == pytest.approx(math.atan2(-15, 20))
    np.testing.assert_allclose(ball.position, [1.28, 15 - 0.96], atol=1e-4)
    np.testing.assert_allclose(keeper.position, [14.5, 5.5 * 0.75], atol=1e-4)
    assert float(keeper.orientation) == pytest.approx(math.atan2(14.04 - 4.125, 1.28 - 14.5), abs=1e-4)


def test_kick_offs() -> None:
    """Anywhere on the halfway line; in reach of the ball; the same key kicks off the same."""
    env = Goal()
    states = jax.vmap(env.initial)(jax.random.split(KEY, 2000))
    heights = np.asarray(states.scene.player.position[:, 1])
    assert np.abs(heights).max() <= 15
    assert heights.std() == pytest.approx(30 / math.sqrt(12), rel=0.05)
    assert jax.vmap(soccer.kickable)(states.scene.player, states.scene.ball).all()
    assert not jax.vmap(env.terminal, (0, None))(states, KEY).any()
    np.testing.assert_array_equal(env.initial(KEY).scene.player.position, env.initial(KEY).scene.player.position)


def scene(ball: Any, velocity: Any = (0, 0), player: Any = (0, 0), keeper: Any = (18, 0)) -> Scene:
    def body(position: Any, velocity: Any = (0, 0)) -> Body:
        return Body(np.array(position, np.float32), np.array(velocity, np.float32), np.float32(0))

    return Scene(body(player), body(keeper), body(ball, velocity))


def test_a_kick_by_hand() -> None:
    """Kicked from 1 ahead towards 10 ahead: 0.6 of acceleration, which is within power, then 0.94 of the speed."""
    moved = soccer.micro_step(scene(ball=(6, 0), player=(5, 0)), jnp.array([15.0, 0.0]), jnp.zeros(6))
    np.testing.assert_allclose(moved.ball.position, [6.6, 0], atol=1e-6)
    np.testing.assert_allclose(moved.ball.velocity, [0.6 * 0.94, 0], atol=1e-6)


def test_the_strongest_kick_by_hand() -> None:
    """Power 100 at 1 of 1.6 metres: a share of 1 - 0.25 / 1.6 of 2.7."""
    moved = soccer.micro_step(scene(ball=(6, 0), player=(5, 0)), jnp.array([80.0, 0.0]), jnp.zeros(6))
    assert float(moved.ball.position[0]) == pytest.approx(6 + 2.7 * (1 - 0.25 / 1.6))


def test_running_and_turning_by_hand() -> None:
    """Dash power 10 gives 0.06; a player who looks away turns first, all the way if he stands still."""
    target = jnp.array([15.0, 0.0])
    ran = soccer.micro_step(scene(ball=(9, 0), player=(5, 0)), target, jnp.zeros(6))
    np.testing.assert_allclose(ran.player.position, [5.06, 0], atol=1e-6)
    np.testing.assert_allclose(ran.player.velocity, [0.024, 0], atol=1e-6)
    turned = soccer.micro_step(scene(ball=(5, 4), player=(5, 0)), target, jnp.zeros(6))
    np.testing.assert_allclose(turned.player.position, [5, 0])
    assert float(turned.player.orientation) == pytest.approx(math.pi / 2)


def test_rewards_by_hand() -> None:
    def outcome(ball: Any, legacy: bool = False, time: int = 1) -> tuple[float, bool, bool]:
        env, state = Goal(legacy=legacy), GoalState(scene(ball, keeper=(15, 9)), np.int32(time), np.int32(1))
        info = env.transition_info(state, None, state)
        return float(env.reward(state, None, state, KEY)), bool(env.terminal(state, KEY)), bool(info["success"])

    assert outcome((21, -7)) == (50, True, True)
    assert outcome((21, -8)) == (pytest.approx(-0.99), True, False)
    assert outcome((21, -8), legacy=True) == (pytest.approx(-15.01), True, False)
    assert outcome((21, 8), legacy=True) == (pytest.approx(-0.99), True, False)
    assert outcome((22.5, 0)) == (0, True, False), "over the net"
    assert outcome((16, -15.5)) == (pytest.approx(-math.hypot(4, 8.49)), True, False)
    assert outcome((14, 8)) == (pytest.approx(-math.hypot(6, 0.99)), True, False), "caught"
    assert outcome((10, 0)) == (0, False, False)
    assert outcome((10, 0), time=100) == (-10, True, False)


def test_the_hundredth_action_does_nothing_and_ends_the_episode() -> None:
    env = Goal()
    state = env.initial(KEY)._replace(time=np.int32(99))
    after = env.transition(state, action(0, [2, 0], [1], [-1]), KEY)
    assert int(after.micro_steps) == 0
    jax.tree.map(np.testing.assert_array_equal, after.scene, state.scene)
    assert bool(env.terminal(after, KEY))
    assert float(env.reward(state, None, after, KEY)) == pytest.approx(-float(soccer.goal_distance(after.scene.ball)))


def target(env: Goal, index: int, *parameters: Any) -> np.ndarray:
    return np.asarray(env.target(action(index, *parameters)))


def test_targets_of_actions() -> None:
    """Parameters are clipped; legacy ignores kick-to's second and does not tell the shots apart."""
    mended, legacy = Goal(), Goal(legacy=True)
    np.testing.assert_allclose(target(mended, 0, [50, -20], [1], [-1]), [40, -15])
    np.testing.assert_allclose(target(legacy, 0, [12, -20], [1], [-1]), [12, 12])
    np.testing.assert_allclose(target(mended, 1, [0, 0], [3], [-2]), [20.4, 3])
    np.testing.assert_allclose(target(mended, 1, [0, 0], [-3], [-2]), [20.4, 0])
    np.testing.assert_allclose(target(mended, 2, [0, 0], [3], [-9]), [20.4, -7.01])
    np.testing.assert_allclose(target(legacy, 1, [0, 0], [-3], [2]), [20.4, -3])
    np.testing.assert_allclose(target(legacy, 2, [0, 0], [2], [-3]), target(legacy, 1, [0, 0], [-3], [2]))


@BOTH
def test_hard_goal_is_goal_in_bins(legacy: bool) -> None:
    """Eleven actions whose bins cover what Goal's shots cover; the same target is the same step."""
    hard, easy = HardGoal(legacy=legacy), Goal(legacy=legacy)
    boxes = hard.action_space[1]
    assert hard.action_space[0].n == len(boxes) == 11
    for shot in (1, 2):
        bins = [(float(box.low[0]), float(box.high[0])) for box in list(boxes)[5 * shot - 4 : 5 * shot + 1]]
        whole = easy.action_space[1][shot]
        assert (bins[0][0], bins[-1][1]) == (float(whole.low[0]), float(whole.high[0]))
        for (_, top), (bottom, _) in itertools.pairwise(bins):
            assert top == pytest.approx(bottom)
        assert np.ptp([high - low for low, high in bins]) < 1e-5
    state = hard.initial(KEY)
    for index in range(11):
        parameters = [(box.low + box.high) / 2 for box in boxes]
        shot = 0 if index == 0 else 1 if index <= 5 else 2
        one = hard.transition(state, action(index, *parameters), KEY)
        other = parameters[max(index, 1)]
        two = easy.transition(state, action(shot, parameters[0], other, other), KEY)
        jax.tree.map(np.testing.assert_array_equal, one, two)


def test_a_bin_is_not_left() -> None:
    boxes = list(HardGoal().action_space[1])
    parameters = [np.full(box.shape, 99, np.float32) for box in boxes]
    np.testing.assert_allclose(HardGoal().target((2, parameters)), [20.4, 2 * 7.01 / 5], atol=1e-6)


@BOTH
def test_features(legacy: bool) -> None:
    """The scaled state, the direction from keeper to ball, the keeper's place on the goal line: by hand."""
    env = Goal(legacy=legacy, features=True)
    now = scene(ball=(10, 5), player=(5, -7.5), keeper=(14, 2))
    seen = np.asarray(env.observation(GoalState(now, 0, 0), KEY))
    place = 5 - 0.75 * 10
    high = 14.02 if legacy else 7.01
    assert seen.shape == env.observation_space.shape == (17,)
    np.testing.assert_allclose(seen[:5], [-0.5, -0.5, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(seen[5:10], [0.4, 2 / 15, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(seen[10:14], [0, 1 / 3, 0, 0], atol=1e-6)
    np.testing.assert_allclose(seen[14:16], [-0.8, 0.6], atol=1e-6)
    assert float(seen[16]) == pytest.approx(2 * (place + 7.01) / (high + 7.01) - 1, abs=1e-6)


def test_the_keeper_beside_the_ball_covers_a_post() -> None:
    for y, place in ((8.0, 1.0), (-8.0, -1.0)):
        seen = Goal(features=True).observation(GoalState(scene(ball=(14, 0), keeper=(14, y)), 0, 0), KEY)
        assert float(seen[16]) == place
        assert np.isfinite(seen).all()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 8), st.floats(-15, 15)), min_size=1, max_size=6),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_observations_stay_within_their_spaces(
    actions: list[tuple[int, float, float]], seed: int, legacy: bool
) -> None:
    raw, seen = Goal(legacy=legacy), Goal(legacy=legacy, features=True)
    step = TRANSITIONS[legacy]
    state = raw.initial(jax.random.key(seed))
    for number, (index, x, y) in enumerate(actions):
        state = step(state, (index, (np.float32([x, y]), np.float32([y]), np.float32([y]))), jax.random.key(number))
        assert raw.observation_space.contains(np.asarray(raw.observation(state, KEY)))
        assert seen.observation_space.contains(np.asarray(seen.observation(state, KEY)))
        assert int(state.micro_steps) < 1000
        if raw.terminal(state, KEY):
            break


TRANSITIONS = {legacy: jax.jit(Goal(legacy=legacy).transition) for legacy in (False, True)}


def test_a_parameter_that_is_no_number_shows_and_does_not_hang() -> None:
    env = Goal()
    state = env.initial(KEY)
    after = env.transition(state, action(0, [np.nan, 0], [1], [-1]), KEY)
    assert np.isnan(env.observation(after, KEY)).any()
    assert np.isnan(env.reward(state, None, after, KEY))
    unread = env.transition(state, action(0, [3, 0], [np.nan], [np.nan]), KEY)
    assert np.isfinite(env.observation(unread, KEY)).all()


def test_mapped_or_alone_a_step_is_the_same() -> None:
    """Each lane runs its own loop on a CPU, with the noise of its own key."""
    env, keys, kick = Goal(), jax.random.split(KEY, 8), action(0, [4, 1], [1], [-1])
    states = jax.vmap(env.initial)(keys)
    mapped = jax.jit(jax.vmap(env.transition, (0, None, 0)))(states, kick, keys)
    alone = jax.jit(env.transition)
    for lane in range(8):
        state = jax.tree.map(lambda leaf, lane=lane: leaf[lane], states)
        one = alone(state, kick, keys[lane])
        jax.tree.map(lambda a, b, lane=lane: np.testing.assert_allclose(a, b[lane], atol=1e-5), one, mapped)
    assert len(set(np.asarray(mapped.micro_steps).tolist())) > 1


def test_noise_comes_from_the_key_alone() -> None:
    env, kick = Goal(), action(0, [4, 1], [1], [-1])
    state = env.initial(KEY)
    one, again, other = (env.transition(state, kick, jax.random.key(seed)) for seed in (1, 1, 2))
    jax.tree.map(np.testing.assert_array_equal, one, again)
    assert (one.scene.ball.position != other.scene.ball.position).any()


def test_noise_is_uniform_and_independent() -> None:
    """Over seeds, micro-steps and numbers within one: moments, a histogram, and no correlation."""
    seeds = jax.random.bits(KEY, (200,), jnp.uint32)
    draw = jax.vmap(jax.vmap(lambda seed, step: soccer.uniform_noise(seed, step, 6), (None, 0)), (0, None))
    noise = np.asarray(draw(seeds, jnp.arange(100)))
    assert noise.min() >= -1
    assert noise.max() < 1
    counts, _ = np.histogram(noise, bins=64, range=(-1, 1))
    assert np.abs(counts / counts.mean() - 1).max() < 0.1
    assert noise.mean() == pytest.approx(0, abs=0.01)
    columns = np.corrcoef(noise.reshape(-1, 6).T)
    assert np.abs(columns - np.eye(6)).max() < 0.03
    along = np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]
    assert abs(along) < 0.01
    across = np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]
    assert abs(across) < 0.01
