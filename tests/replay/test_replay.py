"""Replay, uniform and prioritised, against a plain model."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.component import traced
from argmaxq.components.errors import UserError
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row
from oracles.parts import chi_square, clock
from oracles.replay import GAMMA, SAMPLES, SPACES, Model, Replay, bits, check, compiled, draw, fill

KINDS = pytest.mark.parametrize("kind", [Uniform, Prioritised])


@KINDS
@pytest.mark.parametrize(
    ("lanes", "allocation", "n", "chunk"), [(1, 9, 1, 1), (2, 17, 2, 3), (3, 25, 3, 2), (2, 20, 4, 5), (5, 44, 1, 4)]
)
@settings(max_examples=15)
@given(data=st.data())
def test_replay_is_the_plain_model(
    kind: type[Replay], lanes: int, allocation: int, n: int, chunk: int, data: st.DataObject
) -> None:
    """Rows come in, some lanes are cut, priorities change; each time all that is drawn is held against the model."""
    capacity = data.draw(st.integers((chunk + n) * lanes, allocation + 5), label="capacity")
    replay = traced(kind(capacity, allocation))
    model = Model(lanes, data.draw(st.integers(0, 2**32)), data.draw(st.sampled_from([0.0, 0.1, 0.5])))
    add, _, reprioritise, cut = compiled()
    state = kind(capacity, allocation).init(SPACES, lanes, chunk + n)
    kept = min(capacity, allocation) // lanes
    for number in range(3 * kept // chunk + 2):
        state = add(replay, state, model.extend(chunk), n)
        if data.draw(st.integers(0, 4)) == 0:
            # A lane that has just ended is never cut, nor one whose newest row is a final observation.
            going = [i for i in range(lanes) if not any(model.lanes[i][-1][2:])][:1]
            state = cut(replay, state, np.array(going, np.int32)) if going else state
            model.cut(going)
        batch = draw(replay, state, n, seed=number)
        check(batch, model.windows(kept, n))
        state = reprioritise(replay, state, batch.index, 0.5 + batch.index % 7 / 7)


@KINDS
def test_an_empty_replay_gives_weight_0(kind: type[Replay]) -> None:
    replay = kind(40)
    for rows in (0, 2):  # nothing, then too few rows for a window of 3 and what follows it
        state = fill(replay, Model(2, 0), rows, 3, 1)
        assert (draw(replay, state, 3).weight == 0).all()


@KINDS
def test_the_last_states_of_an_episode_are_learnt_from(kind: type[Replay]) -> None:
    """Three rows, the third terminated, n = 3: all three are starts, with 3, 2 and 1 rewards."""
    marks = np.zeros((6, 1), bool)
    terminated, last = marks.copy(), marks.copy()
    terminated[2], last[3] = True, True
    obs = np.stack([np.zeros(6), np.arange(6)], -1)[:, None].astype(np.float32)
    rows = Row(obs, np.zeros((6, 1), np.int32), np.float32([[1], [2], [4], [0], [9], [9]]), terminated, marks, last)
    replay = kind(12)
    state = compiled()[0](traced(replay), replay.init(SPACES, 1, 9), rows, 3)
    batch = draw(replay, state, 3)
    obs, _, reward, discount, _ = batch.transition[:5]
    found = dict(zip(obs[:, 1].tolist(), zip(reward.tolist(), discount.tolist(), strict=True), strict=True))
    assert found == {0: (1 + 0.75 * 2 + 0.75**2 * 4, 0), 1: (2 + 0.75 * 4, 0), 2: (4, 0)}


@KINDS
def test_cut_is_a_truncation_of_that_lane_alone(kind: type[Replay]) -> None:
    replay, model = kind(60), Model(2, seed=1, end=0.0)
    state = fill(replay, model, 6, 3, 1)
    state = compiled()[3](traced(replay), state, np.array([1]))
    model.cut([1])
    for _ in range(4):
        state = compiled()[0](traced(replay), state, model.extend(1), 3)
    batch = draw(replay, state, 3)
    check(batch, model.windows(30, 3))
    obs, _, _, discount, next_obs = (leaf.tolist() for leaf in batch.transition[:5])
    at = {tuple(seen): (d, tuple(after)) for seen, d, after in zip(obs, discount, next_obs, strict=True)}
    assert at[0.0, 4.0] == (GAMMA**3, (0, 7))
    assert at[1.0, 4.0] == (GAMMA**2, (1, 6))  # the discount stays: bootstrapped from the final observation
    assert (1.0, 6.0) not in at


@KINDS
def test_every_start_is_as_likely_as_any_other(kind: type[Replay]) -> None:
    """After several wrap-arounds, with final observations between; alpha = 0 makes prioritised replay uniform."""
    replay = Uniform(100) if kind is Uniform else Prioritised(100, alpha=0.0)
    model = Model(3, seed=5, end=0.08)
    state = fill(replay, model, 250, 2, 5)
    windows = model.windows(33, 2)
    assert 60 < len(windows) < 93
    surprise = np.random.default_rng(0).uniform(0, 100, SAMPLES).astype(np.float32)
    index = np.resize(sorted(windows), SAMPLES)
    state = compiled()[2](traced(replay), state, index, surprise[index])
    drawn = [draw(replay, state, 2, seed) for seed in range(20)]
    index = np.concatenate([batch.index[batch.weight > 0] for batch in drawn])
    counts = np.bincount(index, minlength=99)[sorted(windows)]
    assert counts.sum() == len(index) > 0.99 * 20 * SAMPLES
    assert chi_square(counts) < 4


@KINDS
def test_another_capacity_compiles_nothing(kind: type[Replay]) -> None:
    add = jax.jit(lambda replay, state, rows: replay.add(state, rows, 1))
    sample = jax.jit(lambda replay, state: replay.sample(state, bits(0), 1, GAMMA, clock()))
    model = Model(2, seed=0)
    state, rows = kind(40).init(SPACES, 2, 2), model.extend(3)
    for capacity in (10, 20, 40):
        replay = traced(kind(capacity, 40))
        sample(replay, add(replay, state, rows))
    assert add._cache_size() == sample._cache_size() == 1


@KINDS
def test_a_million_frames_fit_in_7_gigabytes(kind: type[Replay]) -> None:
    spaces = Spaces(ArraySpec((84, 84), "uint8"), DiscreteActions(18))
    stored = jax.eval_shape(lambda: kind(1_000_000).init(spaces, 8, 9))
    assert sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(stored)) < 7.1e9


@KINDS
def test_a_replay_too_small_is_refused_in_one_line(kind: type[Replay]) -> None:
    kind(40).init(SPACES, 8, 5)
    with pytest.raises(UserError, match=r"^agent\.replay\.capacity = 39 is too small: 8 lanes need at least 40 rows$"):
        kind(39).init(SPACES, 8, 5)
