"""Parameterised actions: every way to write such a space down, and actions that always lie in it."""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.errors import UserError
from argmaxq.lanes.actions import read_actions
from argmaxq.lanes.hybrid import HybridSpace, read_hybrid
from argmaxq.spaces import DiscreteActions, HybridActions

DTYPES = (np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8)


@st.composite
def boxes(draw: st.DrawFn) -> spaces.Box:
    """A Box of any shape, also of one number or none, with bounds of its own for each entry, which may be equal."""
    shape, dtype = draw(st.sampled_from([(), (0,), (1,), (3,), (2, 2)])), draw(st.sampled_from(DTYPES))
    if issubclass(dtype, np.floating):
        numbers: Any = st.floats(-1e6, 1e6, width=8 * dtype().itemsize)  # type: ignore[arg-type]
    else:
        limits = np.iinfo(dtype)
        numbers = st.integers(max(limits.min, -1000), min(limits.max, 1000))
    count = int(np.prod(shape))
    pairs = draw(st.lists(st.tuples(numbers, numbers), min_size=count, max_size=count))
    low, high = (np.array([bound(pair) for pair in pairs], dtype).reshape(shape) for bound in (min, max))
    return spaces.Box(low, high, shape, dtype)


@st.composite
def hybrid_spaces(draw: st.DrawFn) -> spaces.Space:
    """A Tuple or Dict of a Discrete and Boxes: side by side, in a Tuple or Dict of their own, or one for all."""
    count, written = draw(st.integers(1, 4)), draw(st.sampled_from(["tuple", "dict", "flat", "shared"]))
    discrete = spaces.Discrete(count, start=draw(st.integers(-3, 3)))
    own = [draw(boxes()) for _ in range(1 if written == "shared" else count)]
    inner: list[spaces.Space] = list(own)
    if written == "tuple":
        inner = [spaces.Tuple(own)]
    elif written == "dict":
        inner = [spaces.Dict(dict(zip("defg", own, strict=False)))]
    members = [discrete, *inner] if draw(st.booleans()) else [*inner, discrete]
    return spaces.Tuple(members) if draw(st.booleans()) else spaces.Dict(dict(zip("vwxyz", members, strict=False)))


def read(space: spaces.Space) -> HybridSpace:
    found = read_hybrid(space)
    assert found is not None
    return found


def same(one: Any, other: Any) -> None:
    """Equal trees of arrays, whether a single number is an array or a scalar."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, one, other)


@settings(max_examples=200)
@given(hybrid_spaces(), st.integers(0, 2**31))
def test_every_action_lies_in_its_space(space: spaces.Space, seed: int) -> None:
    """One action or a batch of them, as a vector environment takes it; also with parameters out of range."""
    hybrid, generator = read(space), np.random.default_rng(seed)
    actions = hybrid.actions.random(generator, 8)
    actions[2:5, 1:] = generator.choice([-1, 0, 1], actions[2:5, 1:].shape)
    actions[5:, 1:] = generator.choice([-np.inf, -1.5, 1.00001, np.inf], actions[5:, 1:].shape)
    singles = [hybrid.decode(action) for action in actions]
    for single in singles:
        assert space.contains(single)
    batched, batch = batch_space(space, len(actions)), hybrid.decode(actions)
    assert batched.contains(batch)
    for single, of_batch in zip(singles, iterate(batched, batch), strict=True):
        same(single, of_batch)


@settings(max_examples=200)
@given(hybrid_spaces())
def test_bounds_are_reached_and_not_passed(space: spaces.Space) -> None:
    """-1 and everything below is the least value, exactly, and 1 and everything above it the greatest one."""
    hybrid = read(space)
    for value in (-np.inf, -7, -1, 1, 1.5, np.inf):
        action = np.full(1 + hybrid.actions.parameters, value, np.float32)
        for number, box in enumerate(hybrid.boxes):
            action[0] = number
            parts = jax.tree.leaves(hybrid.decode(action))
            bound = box.low if value < 0 else box.high
            # A float64 bound may lie between two float32 numbers; an agent's parameters are such.
            near = [np.allclose(part, bound, rtol=1e-7, atol=1e-37) for part in parts if part.shape == box.shape]
            exact = [np.array_equal(part, bound) for part in parts if part.shape == box.shape]
            assert any(near if box.dtype == np.float64 else exact)


WRITTEN: dict[str, Any] = {
    "pair": lambda number, a, b: spaces.Tuple([number, spaces.Tuple([a, b])]),
    "pair of dict": lambda number, a, b: spaces.Tuple([number, spaces.Dict(a=a, b=b)]),
    "flat tuple": lambda number, a, b: spaces.Tuple([number, a, b]),
    "flat tuple, number last": lambda number, a, b: spaces.Tuple([a, b, number]),
    "flat dict": lambda number, a, b: spaces.Dict(a=a, b=b, number=number),
    "nested dict": lambda number, a, b: spaces.Dict(number=number, own=spaces.Dict(a=a, b=b)),
    "dict of tuple": lambda number, a, b: spaces.Dict(number=number, own=spaces.Tuple([a, b])),
}
A, B = spaces.Box(np.float32([-2, 0]), np.float32([2, 10])), spaces.Box(0, 9, (), np.int64)
ONE, OTHER = np.float32([-1.0, 10.0]), np.int64(2)
EXPECTED: dict[str, Any] = {
    "pair": lambda number, a, b: (number, (a, b)),
    "pair of dict": lambda number, a, b: (number, {"a": a, "b": b}),
    "flat tuple": lambda number, a, b: (number, a, b),
    "flat tuple, number last": lambda number, a, b: (a, b, number),
    "flat dict": lambda number, a, b: {"a": a, "b": b, "number": number},
    "nested dict": lambda number, a, b: {"number": number, "own": {"a": a, "b": b}},
    "dict of tuple": lambda number, a, b: {"number": number, "own": (a, b)},
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("compiled", [lambda decode: decode, jax.jit], ids=["numpy", "jax"])
def test_an_action_by_hand(written: str, compiled: Any) -> None:
    """Half-way down from the middle of [-2, 2], the top of [0, 10], and 2.25 of 9, which is rounded."""
    space = WRITTEN[written](spaces.Discrete(2, start=5), A, B)
    actions, decode = read_actions(space)
    assert actions == HybridActions((2, 1))
    assert (actions.n, actions.parameters, actions.spec.shape) == (2, 3, (4,))
    action = np.float32([1, -0.5, 1, -0.5])
    same(compiled(decode)(action), EXPECTED[written](np.int64(6), ONE, OTHER))
    batch = compiled(decode)(np.stack([action, action]))
    same(batch, EXPECTED[written](np.int64([6, 6]), np.stack([ONE, ONE]), np.int64([2, 2])))


@pytest.mark.parametrize("compiled", [lambda decode: decode, jax.jit], ids=["numpy", "jax"])
def test_a_shared_box_gets_the_chosen_actions_parameters(compiled: Any) -> None:
    """Each action keeps parameters of its own, of which the environment sees those of the chosen one."""
    for space, pack in (
        (spaces.Tuple([spaces.Discrete(3, start=-1), A]), lambda number, own: (number, own)),
        (spaces.Dict(a=A, b=spaces.Discrete(3, start=-1)), lambda number, own: {"a": own, "b": number}),
    ):
        actions, decode = read_actions(space)
        assert actions == HybridActions((2, 2, 2))
        rows = np.float32([[number, -1, -1, 0, 0, 0.5, 1] for number in (2, 0, 1)])
        own = np.float32([[1, 10], [-2, 0], [0, 5]])
        for number, row, expected in zip((1, -1, 0), rows, own, strict=True):
            same(compiled(decode)(row), pack(np.int64(number), expected))
        same(compiled(decode)(rows), pack(np.int64([1, -1, 0]), own))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_numpy_and_jax_decode_alike(shape: tuple[int, ...]) -> None:
    """A batch at once, or an action at a time mapped over lanes."""
    box, whole = spaces.Box(-3, 7, shape, np.float64), spaces.Box(-20, 50, shape, np.int32)
    for space in (spaces.Tuple([spaces.Discrete(2), box, whole]), spaces.Tuple([spaces.Discrete(2), box])):
        hybrid = read(space)
        actions = hybrid.actions.random(np.random.default_rng(0), 50)
        expected = hybrid.decode(actions)
        for found in (jax.jit(hybrid.decode)(actions), jax.jit(jax.vmap(hybrid.decode))(actions)):
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, expected)
            assert jax.tree.map(np.shape, found) == jax.tree.map(np.shape, expected)


def test_random_actions_are_uniform() -> None:
    actions = HybridActions((2, 0, 1))
    drawn = actions.random(np.random.default_rng(0), 30_000)
    assert (drawn.shape, drawn.dtype) == ((30_000, 4), np.float32)
    np.testing.assert_allclose(np.bincount(drawn[:, 0].astype(int)) / 30_000, [1 / 3] * 3, atol=0.01)
    quantiles = np.quantile(drawn[:, 1:], [0, 0.25, 0.5, 0.75, 1], axis=0)
    np.testing.assert_allclose(quantiles.T, [[-1, -0.5, 0, 0.5, 1]] * 3, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(drawn.T) - np.eye(4), 0, atol=0.02)


CHOOSABLE = spaces.Tuple([spaces.Discrete(3, start=7), spaces.Tuple([A, spaces.Box(0, 1, (0,)), B])])


def test_choices_make_actions_discrete() -> None:
    """Each action with every combination of its values, the last parameter changing first; one without any is one."""
    actions, decode = read_actions(CHOOSABLE, ((0.0, 1.5), (), (0.0, 4.0, 9.0)))
    assert actions == DiscreteActions(4 + 1 + 3)
    expected = [(7, pair) for pair in product((0, 1.5), repeat=2)] + [(8, ())] + [(9, (x,)) for x in (0, 4, 9)]
    batched, batch = batch_space(CHOOSABLE, 8), decode(np.arange(8))
    assert batched.contains(batch)
    for number, of_batch in enumerate(iterate(batched, batch)):
        single, (index, own) = decode(np.int32(number)), expected[number]
        assert CHOOSABLE.contains(single)
        assert single[0] == index
        np.testing.assert_allclose(np.ravel(single[1][index - 7]), own, atol=1e-6)
        same(single, of_batch)
    compiled = jax.jit(decode)(jnp.arange(8))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), compiled, batch)


def test_a_parameter_without_a_range_can_be_chosen() -> None:
    space = spaces.Tuple([spaces.Discrete(2), spaces.Box(3, 3), spaces.Box(0, 1)])
    _, decode = read_actions(space, ((3.0,), (0.25,)))
    assert [part.tolist() for part in decode(np.int32(0))[1:]] == [[3.0], [0.5]]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (((0.0,), ()), "values for 2 actions; needed: some for each of 3"),
        (((0.0,), (), (1.0,), (1.0,)), "values for 4 actions"),
        (((0.0,), (), ()), "some for each of 3"),
        (((0.0, 3.0), (), (1.0,)), r"\(0.0, 3.0\) for action 0: they must lie within \[-2.0, 0.0\] and \[2.0, 10.0\]"),
        (((0.0,), (), (-0.5,)), r"for action 2: they must lie within \[0.0\] and \[9.0\]"),
    ],
)
def test_choices_that_do_not_fit(choices: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_actions(CHOOSABLE, choices)
    assert "\n" not in str(caught.value)


def test_discrete_actions_have_no_choices() -> None:
    with pytest.raises(UserError, match="discrete and have none"):
        read_actions(spaces.Discrete(3), ((1.0,),))


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (spaces.Tuple([spaces.Discrete(3), spaces.Tuple([A, A])]), "3 actions have 2 Boxes of parameters"),
        (spaces.Dict(a=spaces.Discrete(3), b=spaces.Dict(c=A)), "3 actions have 1 Boxes of parameters"),
        (spaces.Dict(a=spaces.Discrete(2), b=A, c=A, d=A), "2 actions have 3 Boxes"),
        (spaces.Tuple([spaces.Discrete(1), spaces.Box(-np.inf, 0)]), "that all actions share, a Box.*no finite bounds"),
        (spaces.Tuple([spaces.Discrete(2), A, spaces.Box(0, np.inf, (3,))]), r"action 1, a Box\(3,\), have no finite"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(-np.inf, 0, (1,), np.int64)]), "no finite bounds"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(-1e39, 1e39, (), np.float64)]), "no finite bounds in float32"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2), A]), "wrap the environment"),
        (spaces.Tuple([spaces.Discrete(2), A, spaces.MultiBinary(2)]), "wrap the environment"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Tuple([A]), A]), "wrap the environment"),
        (spaces.Tuple([spaces.Discrete(1), spaces.Tuple([])]), "one Discrete and a Box of parameters for each"),
    ],
)
def test_spaces_that_are_not_hybrid_are_refused_in_a_line(space: spaces.Space, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_actions(space)
    assert "\n" not in str(caught.value)


def test_descriptions() -> None:
    shared, own = spaces.Tuple([spaces.Discrete(3), A]), spaces.Tuple([spaces.Discrete(2), A, B])
    assert read(shared).description == "3 actions with parameters that all share: 2"
    assert read(own).description == "2 actions with parameters of their own: 2, 1"
