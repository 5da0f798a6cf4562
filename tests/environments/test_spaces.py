"""What an agent sees of an environment's spaces, held against Gymnasium's own flattening."""

from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import concatenate, create_empty_array
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.errors import UserError
from argmaxq.lanes.actions import read_actions
from argmaxq.lanes.observations import describe, read_observations
from argmaxq.lanes.spaces import read_spaces
from argmaxq.spaces import ArraySpec

integers = st.integers(-5, 5)
leaves = st.one_of(
    st.builds(spaces.Discrete, st.integers(1, 6), start=integers),
    st.builds(lambda nvec: spaces.MultiDiscrete(nvec, start=[2] * len(nvec)), st.lists(st.integers(1, 4), min_size=1)),
    st.just(spaces.MultiDiscrete([[2, 3], [4, 1]])),
    st.builds(spaces.MultiBinary, st.sampled_from([1, 3, (2, 2)])),
    st.builds(lambda shape: spaces.Box(-1.0, 1.0, shape, np.float32), st.sampled_from([(), (1,), (2, 3)])),
    st.just(spaces.Box(0, 9, (2,), np.uint8)),
)
nested = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(spaces.Tuple, st.lists(parts, min_size=1, max_size=3)),
        st.builds(spaces.Dict, st.dictionaries(st.sampled_from("abcd"), parts, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(nested.filter(lambda space: not isinstance(space, spaces.Box | spaces.Discrete)), st.integers(0, 2**31 - 1))
def test_one_or_many_observations_are_flattened_as_gymnasium_does(space: gym.Space, seed: int) -> None:
    space.seed(seed)
    samples = [space.sample() for _ in range(3)]
    batch = concatenate(space, samples, create_empty_array(space, 3))
    expected = np.stack([spaces.flatten(space, sample) for sample in samples]).astype(np.float32)
    spec, encode = read_observations(space)
    assert spec == ArraySpec(expected.shape[1:], "float32")
    for sample, flat in zip(samples, expected, strict=True):
        assert encode(sample).dtype == np.float32
        np.testing.assert_array_equal(encode(sample), flat)
    np.testing.assert_array_equal(encode(batch), expected)


@pytest.mark.parametrize("start", [-3, 0, 7])
def test_discrete_observations_are_an_index_from_0(start: int) -> None:
    spec, encode = read_observations(spaces.Discrete(4, start=start))
    assert spec == ArraySpec((), "int32", categories=4)
    assert (encode(start + 2), encode(np.int64(start)).dtype, encode(start).shape) == (2, np.int32, ())
    np.testing.assert_array_equal(encode(np.array([start, start + 3])), [0, 3])


@pytest.mark.parametrize(
    ("dtype", "seen"),
    [("float64", "float32"), ("float32", "float32"), ("uint8", "uint8"), ("int16", "int16"), ("int64", "float32")],
)
def test_box_observations_keep_their_shape(dtype: str, seen: str) -> None:
    space = spaces.Box(0, 100, (2, 3), np.dtype(dtype).type, seed=1)
    spec, encode = read_observations(space)
    obs = space.sample()
    assert spec == ArraySpec((2, 3), seen)
    assert encode(obs).dtype == seen
    np.testing.assert_array_equal(encode(obs), obs.astype(seen))
    assert encode(np.stack([obs] * 4)).shape == (4, 2, 3)


@pytest.mark.parametrize("start", [-3, 0, 7])
def test_discrete_actions_are_counted_from_their_start(start: int) -> None:
    space = spaces.Discrete(3, start=start)
    actions, decode = read_actions(space)
    assert actions.n == 3
    assert [decode(action) in space for action in range(3)] == [True] * 3
    assert decode(np.int32(2)) == start + 2
    np.testing.assert_array_equal(decode(np.array([0, 2], np.int32)), [start, start + 2])


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiDiscrete([3, 4]),
        spaces.MultiDiscrete([[2, 1], [3, 2]], start=[[1, -1], [0, 5]], dtype=np.int32),
        spaces.MultiBinary(5),
        spaces.MultiBinary((2, 3)),
        spaces.MultiDiscrete([64, 64]),
    ],
)
def test_several_choices_at_once_are_numbered(space: gym.Space) -> None:
    """Every combination once; one number and many, of NumPy and of JAX, give the same."""
    actions, decode = read_actions(space)
    numbers = np.arange(actions.n, dtype=np.int32)
    every = decode(numbers)
    assert every.shape == (actions.n, *space.shape)
    assert len(np.unique(every.reshape(actions.n, -1), axis=0)) == actions.n
    assert all(decode(number) in space for number in numbers[:: max(1, actions.n // 50)])
    assert all(each.dtype == space.dtype for each in (every, decode(0), decode(numbers[0])))
    np.testing.assert_array_equal(decode(actions.n - 1), every[-1])
    np.testing.assert_array_equal(jax.jit(decode)(jnp.asarray(numbers)), every)
    np.testing.assert_array_equal(jax.jit(decode)(jnp.int32(actions.n - 1)), every[-1])
    assert list(np.ndindex(*(2,) * 5)) == [tuple(row) for row in read_actions(spaces.MultiBinary(5))[1](np.arange(32))]


def test_an_action_may_be_changed_by_the_environment() -> None:
    _, decode = read_actions(spaces.MultiBinary(2))
    decode(0)[:] = 1
    np.testing.assert_array_equal(decode(0), [0, 0])


@pytest.mark.parametrize(
    ("space", "obs", "words"),
    [
        (spaces.Discrete(4), 4, "an observation is 4, which is none of 0 .. 3"),
        (spaces.Discrete(4, start=2), np.array([3, 1]), r"\[3 1\], which is none of 2 .. 5"),
        (spaces.Discrete(4), np.float32(1), "is 1.0, which is none of"),
        (spaces.Dict(a=spaces.Discrete(2)), {"a": -1}, "is -1, which is none of 0 .. 1"),
        (spaces.MultiDiscrete([2, 3]), np.array([1, 3]), r"\[1 3\], which is outside"),
        (spaces.MultiDiscrete([2, 3]), np.array([[0, 0], [-1, 0]]), "outside of its MultiDiscrete space"),
        (spaces.Box(0, 255, (2,), np.uint8), np.array([0.5, 1]), "what uint8.* does not"),
        (spaces.Box(0, 255, (2,), np.uint8), np.array([256, 1]), "what uint8.* does not"),
    ],
)
def test_observations_outside_of_their_space_are_no_others(space: gym.Space, obs: Any, words: str) -> None:
    _, encode = read_observations(space)
    with pytest.raises(UserError, match=words) as caught:
        encode(obs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Box(-1, 1, (50,)), "continuous.*SAC"),
        (spaces.Tuple([spaces.Discrete(3), spaces.Box(0, 1), spaces.Box(0, 1)]), "3 actions have 2 Boxes"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, np.inf)]), "no finite bounds"),
        (spaces.Tuple([spaces.Box(0, 1)]), "one Discrete space"),
        (spaces.Dict(a=spaces.Discrete(2)), "one Discrete space"),
    ],
)
def test_other_actions_name_the_agent_that_would_fit(space: gym.Space, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_spaces(spaces.Box(0, 1), space)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "space",
    [spaces.Text(5), spaces.Sequence(spaces.Discrete(2)), spaces.Graph(spaces.Box(0, 1), None)],
)
def test_observations_without_a_size_are_refused(space: gym.Space) -> None:
    for seen in (space, spaces.Dict(a=spaces.Discrete(2), b=space)):
        with pytest.raises(UserError, match="no fixed size") as caught:
            read_spaces(seen, spaces.Discrete(2))
        assert "\n" not in str(caught.value)


def test_a_description_is_one_short_line() -> None:
    long = spaces.Tuple([spaces.Box(np.zeros(40), np.arange(1, 41.0), dtype=np.float64) for _ in range(5)])
    assert len(describe(long)) <= 120
    assert "\n" not in describe(long)
    assert describe(spaces.Box(0, 255, (84, 84), np.uint8)) == "Box(84, 84) of uint8"


def test_real_environments() -> None:
    def seen(name: str) -> tuple[tuple[int, ...], str, int]:
        env = gym.make(name)
        read = read_spaces(env.observation_space, env.action_space).spaces
        return read.observation.shape, read.observation.dtype, read.action.n

    assert seen("CartPole-v1") == ((4,), "float32", 2)
    assert seen("FrozenLake-v1") == ((), "int32", 4)
    assert seen("Taxi-v4") == ((), "int32", 6)
    assert seen("Blackjack-v1") == ((32 + 11 + 2,), "float32", 2)
