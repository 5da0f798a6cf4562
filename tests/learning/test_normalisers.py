"""Running scales against NumPy, over few samples and over more than float32 can count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.lanes.spaces import read_spaces
from argmaxq.learning.normalisers import MEMORY, Moments, Running
from argmaxq.networks.mlp import MLP

add = jax.jit(Moments.add)
NOTHING = Moments(*jnp.zeros(3))


@given(st.lists(st.floats(-1_000, 1_000, width=32), min_size=2, max_size=50))
def test_moments_are_those_of_all_samples(samples: list[float]) -> None:
    moments = NOTHING
    for sample in samples:
        moments = add(moments, np.float32(sample))
    assert moments.count == len(samples)
    np.testing.assert_allclose(moments.mean, np.mean(samples), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(moments.deviation, np.std(samples, ddof=1), rtol=1e-3, atol=0.05)


@jax.jit
def noisy(moments: Moments, count: int, centre: float) -> Moments:
    """With so many samples of deviation 1 more."""

    def one(_: int, carry: tuple[Moments, jax.Array]) -> tuple[Moments, jax.Array]:
        moments, bits = carry
        bits = bits * jnp.uint32(1_664_525) + jnp.uint32(1_013_904_223)
        uniform = (bits >> 8).astype(jnp.float32) * 2.0**-24
        return moments.add(centre + (2 * uniform - 1) * np.float32(np.sqrt(3))), bits

    return jax.lax.fori_loop(0, count, one, (moments, jnp.uint32(1)))[0]


@pytest.mark.parametrize("count", [MEMORY - 1, MEMORY + 1, 3 * 2**24])
def test_the_deviation_neither_grows_nor_shrinks_with_the_count(count: int) -> None:
    moments = noisy(NOTHING, count, 5.0)
    assert moments.count == count if count < MEMORY else MEMORY / 2 <= moments.count < MEMORY
    np.testing.assert_allclose(moments.mean, 5.0, atol=0.01)
    np.testing.assert_allclose(moments.deviation, 1.0, rtol=0.01)


def test_moments_follow_samples_that_have_moved_away() -> None:
    moved = noisy(noisy(NOTHING, 2**24, 5.0), 20 * MEMORY, -3.0)
    np.testing.assert_allclose(moved.mean, -3.0, atol=0.01)
    np.testing.assert_allclose(moved.deviation, 1.0, rtol=0.01)


BOXES = {
    "counts": spaces.Box(0, 1_000, (2,), np.int32),
    "image": spaces.Box(0, 255, (4, 4, 1), np.uint8),
    "reals": spaces.Box(-1_000, 1_000, (2,), np.float32),
}


@pytest.mark.parametrize("name", BOXES)
def test_numbers_in_a_box_are_normalised_whatever_their_type(name: str) -> None:
    found = read_spaces(BOXES[name], spaces.Discrete(2)).spaces
    normaliser = bind(Running(), found)
    state = normaliser.init(jnp.zeros(found.observation.shape, found.observation.dtype))
    rng, never = np.random.default_rng(0), jnp.bool_(False)
    seen = rng.integers(50, 250, (200, *found.observation.shape)).astype(found.observation.dtype)
    see = jax.jit(normaliser.see)
    for obs in seen:
        state = see(state, obs, jnp.float32(0), never, 0.9)
    scaled = np.array([normaliser.observation(state, obs) for obs in seen[:100]])
    expected = (seen[:100] - seen.mean(axis=0)) / seen.std(axis=0, ddof=1)
    np.testing.assert_allclose(scaled, expected, rtol=1e-3, atol=1e-3)


def test_the_number_of_a_category_is_left_as_it_is() -> None:
    found = read_spaces(spaces.Discrete(7), spaces.Discrete(2)).spaces
    agent = bind(TD(MLP((4,)), normaliser=Running()), found)
    learner = agent.init(jax.random.key(0), found, 1)
    state = agent.normaliser.see(learner.params.scales, jnp.int32(6), jnp.float32(1), jnp.bool_(False), 0.9)
    assert agent.normaliser.observation(state, jnp.int32(6)) == 6
    assert agent.values(learner.params, jnp.int32(6)).shape == (2,)
