"""Platform against its specification: figures of the reference, and a second implementation of all of it."""

from functools import partial
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from argmaxq.domains.platform import Platform, PlatformState, hashed_normal
from oracles.platform import HOP, ID, LEAP, PARAMETERS, RUN, World, action, random_worlds

KEY = jax.random.key(0)


def played(env: Platform, *actions: tuple[int, float], dtype: Any = np.float32) -> list[PlatformState]:
    """The initial state and those after each action."""
    state = env.initial(KEY)
    states = [state._replace(**{name: value.astype(dtype) for name, value in floats(state).items()})]
    for each in actions:
        states.append(env.transition(states[-1], action(*each), KEY))
    return states


def floats(state: PlatformState) -> dict[str, Any]:
    return {name: value for name, value in state._asdict().items() if name != "micro_steps"}


def as_state(worlds: list[World], dtype: Any) -> PlatformState:
    """Worlds as a batch of our states [n]."""
    columns = np.array([world.values() for world in worlds], dtype).T
    return PlatformState(*map(jnp.asarray, columns), micro_steps=jnp.zeros(len(worlds), jnp.int32))


def stepped(env: Platform, states: PlatformState, actions: Any, keys: Any) -> Any:
    """Next states, observations, rewards and ends of a batch."""

    def one(state: Any, action: Any, key: Any) -> Any:
        after = env.transition(state, action, key)
        return after, env.observation(after, key), env.reward(state, action, after, key), env.terminal(after, key)

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(states, actions, keys))


@pytest.mark.parametrize(("double", "tolerance"), [(False, 1e-5), (True, 1e-8)])
def test_figures_of_the_specification(double: bool, tolerance: float) -> None:
    with jax.enable_x64(double):
        env = Platform(noise=False)
        play = partial(played, env, dtype=np.float64 if double else np.float32)

        def check(found: Any, expected: float, digits: float = 0.0) -> None:
            assert found.dtype == (np.float64 if double else np.float32)
            assert float(found) == pytest.approx(expected, rel=max(tolerance, digits))

        start, ran = play((RUN, 5))
        check(ran.x, 46.144428, 2e-8)
        check(env.reward(start, None, ran, KEY), 0.04458399, 2e-7)
        assert int(ran.micro_steps) == 20
        leapt = play((LEAP, 400))[-1]
        check(leapt.x, 85.516648, 2e-8)
        assert int(leapt.micro_steps) == 84
        assert bool(env.terminal(leapt, KEY))
        _, hopped, after = play((HOP, 720), (RUN, 30))
        check(hopped.x, 114.717506, 2e-8)
        check(hopped.enemy_1_x, 15.5)
        assert int(hopped.micro_steps) == 144
        assert not bool(env.terminal(hopped, KEY))
        check(after.x, 182.202506, 2e-8)
        check(after.velocity_x, 69.3)
        check(after.enemy_1_x, 13.5)
        assert int(after.micro_steps) == 20


@pytest.mark.parametrize(
    ("index", "parameter", "distance", "length"), [(LEAP, 430, 226.94, 104), (HOP, 720, 267.67, 144)]
)
def test_flight_at_full_speed(index: int, parameter: float, distance: float, length: int) -> None:
    """From near the first platform's end to the second's middle, out of both enemies' reach."""
    state = (
        Platform(noise=False)
        .initial(KEY)
        ._replace(x=jnp.float32(249.0), velocity_x=jnp.float32(70.0), enemy_1_x=jnp.float32(0.0))
    )
    landed = Platform(noise=False).transition(state, action(index, parameter), KEY)
    assert float(landed.x - state.x) == pytest.approx(distance, abs=0.005)
    assert int(landed.micro_steps) == length
    assert float(landed.velocity_x) == 0.0


def test_observation_at_reset() -> None:
    env = Platform()
    observation = np.asarray(env.observation(env.initial(KEY), KEY))
    np.testing.assert_allclose(observation, [0.018957, 0, 0.222222, 0, 0.909091, 1, 0.957447, 0, 0], atol=5e-7)
    assert observation.dtype == np.float32
    assert observation in env.observation_space


@pytest.fixture(scope="module")
def cases() -> Any:
    """Worlds and actions, parameters out of bounds included, and what the second implementation makes of them."""
    generator = np.random.default_rng(1)
    worlds = random_worlds(4000, generator)
    chosen = generator.integers(3, size=len(worlds))
    parameters = np.array(PARAMETERS)[chosen] * generator.uniform(-0.1, 1.2, len(worlds))
    parameters = parameters.astype(np.float32).astype(np.float64)
    before = as_numbers(worlds)
    results = [world.step(int(index), value) for world, index, value in zip(worlds, chosen, parameters, strict=True)]
    rewards, terminals = map(np.array, zip(*results, strict=True))
    after = as_numbers(worlds), np.array([world.observation() for world in worlds])
    return before, chosen, parameters, after, rewards, terminals, np.array([world.micro_steps for world in worlds])


def as_numbers(worlds: list[World]) -> np.ndarray:
    return np.array([world.values() for world in worlds])


def ours(cases: Any, dtype: Any) -> Any:
    before, chosen, parameters = cases[:3]
    state = PlatformState(*map(jnp.asarray, before.astype(dtype).T), micro_steps=jnp.zeros(len(before), jnp.int32))
    everything = tuple(jnp.asarray(parameters.astype(dtype)[:, None]) for _ in range(3))
    actions = jnp.asarray(chosen.astype(np.int32)), everything
    return stepped(Platform(noise=False), state, actions, jax.random.split(KEY, len(before)))


def test_every_step_is_the_second_implementations_in_float64(cases: Any) -> None:
    with jax.enable_x64(True):
        state, observation, reward, terminal = ours(cases, np.float64)
    _, chosen, _, (values, seen), rewards, terminals, micro_steps = cases
    np.testing.assert_array_equal(state.micro_steps, micro_steps)
    np.testing.assert_array_equal(terminal, terminals)
    np.testing.assert_allclose(np.stack(state[:8], axis=-1), values, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(observation, np.clip(seen, 0, 1), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(reward, rewards, rtol=1e-10, atol=1e-12)
    for index in range(3):
        assert 0.1 < terminals[chosen == index].mean() < 0.9, "both ends and other steps are among the cases"


def test_every_step_is_the_second_implementations_in_float32(cases: Any) -> None:
    """But for the few in a thousand where rounding decides on which side of a threshold a step ends."""
    state, observation, reward, terminal = ours(cases, np.float32)
    values, seen = cases[3]
    same = state.micro_steps == cases[6]
    same &= (terminal == cases[5]) & (np.abs(state.velocity_x - values[:, 2]) < 0.1)
    assert same.mean() > 0.995
    scale = np.array([1035, 70, 100, 200, 1035, 60, 1035, 60])
    assert (np.abs(np.stack(state[:8], axis=-1) - values)[same] / scale).max() < 1e-5
    assert np.abs(observation - seen)[same].max() < 1e-5
    assert np.abs(reward - cases[4])[same].max() < 1e-5
    assert observation.dtype == reward.dtype == np.float32


@pytest.mark.parametrize(
    ("index", "parameter", "x", "speed"), [(RUN, 3.0, 20.0, 0.0), (HOP, 300.0, 30.0, 20.0), (LEAP, 430.0, 520.0, 60.0)]
)
def test_noise_is_the_second_implementations_in_distribution(
    index: int, parameter: float, x: float, speed: float
) -> None:
    count, generator = 1500, np.random.default_rng(2)
    enemies = [200.0, 650.0], [-29.9, 29.8]
    worlds = [World(x, 40.0, speed, 0.0, list(enemies[0]), list(enemies[1]), random=generator) for _ in range(count)]
    states = as_state(worlds, np.float32)
    actions = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *np.shape(leaf))), action(index, parameter))
    found, _, _, ends = stepped(Platform(), states, actions, jax.random.split(jax.random.key(3), count))
    theirs = np.array([world.step(index, parameter)[1] for world in worlds])
    expected, moved = as_numbers(worlds), 0
    assert stats.fisher_exact([[ends.sum(), count - ends.sum()], [theirs.sum(), count - theirs.sum()]]).pvalue > 1e-3
    for mine, other in zip(
        (*found[:8], found.micro_steps), (*expected.T, [w.micro_steps for w in worlds]), strict=True
    ):
        if np.ptp(other) > 1e-3:
            moved += 1
            assert stats.ks_2samp(mine, other).pvalue > 1e-3
        else:
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-4)
    assert moved >= 4, "player and enemy are both disturbed"


def test_hashed_numbers_are_normal_and_independent() -> None:
    draws = np.asarray(jax.vmap(lambda key: hashed_normal(key, 64))(jax.random.split(KEY, 4096)))
    assert np.isfinite(draws).all()
    assert stats.kstest(draws.ravel(), "norm").pvalue > 1e-3
    assert np.abs(draws).max() > 4.0
    for values in (draws, draws**2):
        assert np.abs(np.corrcoef(values.T) - np.eye(64)).max() < 5.5 / 64, "between positions"
    assert np.abs(np.corrcoef(draws[:65]) - np.eye(65)).max() < 5.5 / 8, "between keys"
    assert len(np.unique(draws[:, 0])) > 4090


def test_without_noise_the_key_does_not_matter_and_with_noise_it_does() -> None:
    def run(noise: bool, seed: int) -> float:
        env = Platform(noise=noise)
        return float(env.transition(env.initial(KEY), action(RUN, 5), jax.random.key(seed)).x)

    assert run(False, 0) == run(False, 1)
    assert run(True, 0) == run(True, 0) != run(True, 1)
    assert run(True, 0) < run(False, 0), "noise only slows down"


def test_random_policy() -> None:
    """The reference's mean return is 0.153, the standard deviation 0.106, the mean length 2.2."""
    env, steps = Platform(), 10_000

    def step(state: PlatformState, each: Any) -> Any:
        index, parameters, key = each
        after = env.transition(state, (index, parameters), key)
        reward, end = env.reward(state, None, after, key), env.terminal(after, key)
        return jax.tree.map(lambda new, old: jnp.where(end, new, old), env.initial(key), after), (reward, end)

    keys = jax.random.split(KEY, 3)
    bounds = jnp.array(PARAMETERS)
    parameters = jax.random.uniform(keys[1], (3, steps, 1), maxval=bounds[:, None, None])
    actions = jax.random.randint(keys[0], (steps,), 0, 3), tuple(parameters), jax.random.split(keys[2], steps)
    rewards, ends = map(np.asarray, jax.jit(partial(jax.lax.scan, step))(env.initial(KEY), actions)[1])
    last = np.flatnonzero(ends)[:4000]
    assert len(last) == 4000
    returns = np.diff(np.concatenate([[0.0], np.cumsum(rewards, dtype=np.float64)[last]]))
    assert returns.mean() == pytest.approx(0.153, abs=0.01)
    assert returns.std() == pytest.approx(0.106, abs=0.01)
    assert (last[-1] + 1) / 4000 == pytest.approx(2.2, abs=0.1)


def scripted(x: float) -> Any:
    """Run up, hop over the enemy, run to 14 px before the edge, hop over the gap; distances from the platform's end."""
    if x > 960:
        return action(RUN, 30)
    left = (250 if x < 475 else 750) - x
    if left > 200:
        return action(RUN, 30)
    if left > 60:
        return action(HOP, 327)
    return action(RUN, (left - 14) / 9.8) if left > 28 else action(HOP, 600)


def test_a_feedback_policy_arrives() -> None:
    """A return of 1 is attainable in every episode, noise or not."""
    env = gymnasium.make(ID)
    for seed in range(40):
        obs, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(scripted(1055 * float(obs[0]) - 20))
            total, over = total + float(reward), terminated or truncated
        assert total == pytest.approx(1.0, abs=1e-6)


def test_each_moment_of_an_action() -> None:
    """The last one is the transition's own state, and the ones before rise and fall without a jump."""
    env, state = Platform(), Platform().initial(KEY)
    for index, parameter in ((RUN, 3), (HOP, 500), (LEAP, 430)):
        states, count = env.moments(state, action(index, parameter), KEY)
        last = env.transition(state, action(index, parameter), KEY)
        assert int(count) == int(last.micro_steps)
        for moments, value in zip(states, last, strict=True):
            assert moments.shape == (env.longest,)
            assert np.asarray(moments)[int(count) - 1] == np.asarray(value)
        way = np.stack([states.x, states.y], axis=-1)[: int(count)]
        assert np.abs(np.diff(way, axis=0)).max() < 5
        assert np.array_equal(np.asarray(states.micro_steps)[: int(count)], np.arange(int(count)) + 1)


def test_an_ended_episode_stays_as_it_is() -> None:
    env = Platform()
    fallen = env.initial(KEY)._replace(x=jnp.float32(300.0), y=jnp.float32(39.0))
    after = env.transition(fallen, action(HOP, 720), KEY)
    assert after._replace(micro_steps=fallen.micro_steps) == fallen
    assert int(after.micro_steps) == 0


def test_lanes_have_the_bits_of_a_lone_one() -> None:
    env = Platform()
    keys = jax.random.split(KEY, 6).reshape(2, 3)
    actions = jax.vmap(jax.vmap(lambda key: (jax.random.randint(key, (), 0, 3), (jnp.full(1, 9.0),) * 3)))(keys)
    many = jax.jit(jax.vmap(jax.vmap(env.transition, (None, 0, 0)), (None, 0, 0)))(env.initial(KEY), actions, keys)
    for lane in np.ndindex(2, 3):
        one = jax.jit(env.transition)(
            env.initial(KEY), jax.tree.map(lambda leaf, at=lane: leaf[at], actions), keys[lane]
        )
        assert [float(value) for value in one] == [float(value[lane]) for value in many]
