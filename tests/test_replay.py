"""Replay against a plain model: a list of rows for each lane, and the windows a reader would find in it."""

from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.component import UserError, traced
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.replay import sum_tree
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.types import ArraySpec, Batch, DiscreteActions, Row, Spaces
from oracles import chi_square, clock, fold

SPACES = Spaces(ArraySpec((2,), "float32"), DiscreteActions(7))
GAMMA = np.float32(0.75)
SAMPLES = 1024
KINDS = pytest.mark.parametrize("kind", [Uniform, Prioritised])
State = Any
Replay = Uniform | Prioritised


class Past(NamedTuple):
    """One row as the model keeps it; the observation is (lane, time), so no two are alike."""

    action: int
    reward: float
    terminated: bool
    truncated: bool
    last: bool


class Model:
    """All that ever happened, in one list for each lane."""

    def __init__(self, lanes: int, seed: int, end: float = 0.3) -> None:
        self.lanes: list[list[Past]] = [[] for _ in range(lanes)]
        self._rng, self._end = np.random.default_rng(seed), end

    def extend(self, count: int) -> Row:
        """``count`` more rows of every lane, [count, lanes]: episodes of random lengths and their last rows."""
        first = len(self.lanes[0])
        for lane in self.lanes:
            for _ in range(count):
                lane.append(self._next(lane[-1] if lane else None))
        return self.rows(first)

    def _next(self, before: Past | None) -> Past:
        if before is not None and (before.terminated or before.truncated):
            return Past(int(self._rng.integers(7)), 0.0, False, False, True)
        ends = [bool(self._rng.random() < self._end), bool(self._rng.random() < self._end)]
        return Past(int(self._rng.integers(7)), float(np.float32(self._rng.normal())), *ends, False)

    def rows(self, first: int) -> Row:
        times = range(first, len(self.lanes[0]))
        obs = np.array([[(lane, t) for lane in range(len(self.lanes))] for t in times], np.float32)
        fields = [np.array([[getattr(lane[t], name) for lane in self.lanes] for t in times]) for name in Past._fields]
        action, reward, *flags = fields
        return Row(obs, action.astype(np.int32), reward.astype(np.float32), *flags)

    def cut(self, lanes: list[int]) -> None:
        for lane in lanes:
            self.lanes[lane][-1] = self.lanes[lane][-1]._replace(truncated=True)

    def starts(self, kept: int, n: int) -> dict[int, tuple[int, int]]:
        """Where a window of n rows and its next observation are still there: index -> (lane, time)."""
        written = len(self.lanes[0])
        times = range(max(0, written - kept), written - n)
        return {(t % kept) * len(self.lanes) + i: (i, t) for t in times for i in range(len(self.lanes))}

    def windows(self, kept: int, n: int) -> dict[int, tuple[Any, ...]]:
        """Every transition that may be drawn: index -> (obs, action, reward, discount, next_obs)."""
        found = {}
        for index, (i, t) in self.starts(kept, n).items():
            window = self.lanes[i][t : t + n]
            if not window[0].last:
                columns = zip(*[(row.reward, row.terminated, row.truncated) for row in window], strict=True)
                reward, discount, steps = fold(*columns, float(GAMMA))
                found[index] = ((i, t), window[0].action, reward, discount, (i, t + steps))
        return found


@cache
def compiled() -> tuple[Any, ...]:
    """The replay's functions, compiled once for each shape: every capacity uses the same program."""
    add = jax.jit(lambda replay, state, rows, n: replay.add(state, rows, n), static_argnums=3)
    sample = jax.jit(lambda replay, state, bits, n, at: replay.sample(state, bits, n, GAMMA, at), static_argnums=3)
    reprioritise = jax.jit(lambda replay, *args: replay.reprioritise(*args))
    return add, sample, reprioritise, jax.jit(lambda replay, *args: replay.cut(*args))


def bits(seed: int, count: int = SAMPLES) -> np.ndarray:
    return np.random.default_rng(seed).integers(2**32, size=count, dtype=np.uint32)


def draw(replay: Replay, state: State, n: int, seed: int = 0, count: int = SAMPLES, step: int = 0) -> Batch:
    sample = compiled()[1]
    return jax.tree.map(np.asarray, sample(traced(replay), state, bits(seed, count), n, clock(step=step)))


def fill(replay: Replay, model: Model, rows: int, n: int, chunk: int) -> State:
    state = replay.init(SPACES, len(model.lanes), chunk + n)
    for _ in range(rows // chunk):
        state = compiled()[0](traced(replay), state, model.extend(chunk), n)
    return state


def check(batch: Batch, windows: dict[int, tuple[Any, ...]]) -> None:
    """Every sample is a window of the model, every window is sampled, and a place without one has weight 0."""
    drawn = batch.weight > 0
    assert set(batch.index[drawn].tolist()) == set(windows)
    if windows:
        columns = zip(*[windows[index] for index in batch.index[drawn].tolist()], strict=True)
        for ours, theirs in zip(batch.transition, columns, strict=True):
            np.testing.assert_allclose(ours[drawn], np.array(theirs), rtol=1e-5, atol=1e-6)
    else:
        assert np.isfinite(batch.weight).all()


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
    obs, _, reward, discount, _ = batch.transition
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
    obs, _, _, discount, next_obs = (leaf.tolist() for leaf in batch.transition)
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


def prioritised(alpha: float, beta: float = 1.0) -> tuple[Prioritised, State, np.ndarray]:
    """A replay, its state and the priorities [slots * lanes] that it must have: TD errors 0, 0.1, 0.2, ..."""
    replay, model = Prioritised(60, alpha=alpha, beta=Constant(beta)), Model(2, seed=2, end=0.1)
    state = fill(replay, model, 45, 1, 3)
    index = np.array(sorted(model.windows(30, 1)))
    td_error = np.float32(np.arange(len(index)) * np.where(index % 2, 0.1, -0.1))
    state = compiled()[2](traced(replay), state, index, td_error)
    priorities = np.zeros(60)
    priorities[index] = (np.abs(td_error) + 1e-6) ** alpha
    return replay, state, priorities


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.6, 1.0])
def test_transitions_come_in_proportion_to_their_priority(alpha: float) -> None:
    """P(i) = p_i^alpha / sum p^alpha (Schaul et al. 2016, eq. 1): strata leave less than 2 between count and share."""
    replay, state, priorities = prioritised(alpha)
    counts = np.bincount(draw(replay, state, 1).index, minlength=60)
    np.testing.assert_allclose(counts, SAMPLES * priorities / priorities.sum(), atol=2)


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_importance_weights(beta: float) -> None:
    """w_i = (N P(i))^-beta / max_j w_j (Schaul et al. 2016, section 3.4)."""
    replay, state, priorities = prioritised(0.6, beta)
    batch = draw(replay, state, 1, count=64)
    weight = ((priorities > 0).sum() * priorities[batch.index] / priorities.sum()) ** -beta
    np.testing.assert_allclose(batch.weight, weight / weight.max(), rtol=1e-4)
    assert (beta == 0) == (batch.weight.min() == 1)


def test_beta_follows_the_clock() -> None:
    state = prioritised(0.6)[1]
    at_half = draw(Prioritised(60, beta=Constant(0.5)), state, 1).weight
    annealed = draw(Prioritised(60, beta=Linear(0.0, 1.0, 100)), state, 1, step=50).weight
    np.testing.assert_array_equal(annealed, at_half)


def test_weighted_samples_are_unbiased() -> None:
    """With beta = 1 the weighted mean over samples is the plain mean over all transitions."""
    replay, state, priorities = prioritised(0.6, beta=1.0)
    batch = draw(replay, state, 1, count=16_384)
    values = np.random.default_rng(0).normal(size=60)
    common = priorities > priorities.max() / 10  # the rarest ones come too seldom to average
    inside = common[batch.index]
    mean = np.average(values[batch.index[inside]], weights=batch.weight[inside])
    assert mean == pytest.approx(values[common].mean(), abs=0.01)


def test_new_rows_get_the_largest_priority() -> None:
    replay, model = Prioritised(60, alpha=0.5), Model(2, seed=3, end=0.0)
    state = fill(replay, model, 10, 1, 1)
    starts = sorted(model.windows(30, 1))
    np.testing.assert_array_equal(sum_tree.leaves(state.tree, np.array(starts)), 1.0)
    state = compiled()[2](traced(replay), state, np.array(starts[:3]), np.float32([4.0, 16.0, 0.25]))
    state = compiled()[2](traced(replay), state, np.array(starts[:3]), np.float32([1.0, 1.0, 1.0]))
    state = compiled()[0](traced(replay), state, model.extend(2), 1)
    new = sorted(set(model.windows(30, 1)) - set(starts))
    assert len(new) == 4
    np.testing.assert_allclose(sum_tree.leaves(state.tree, np.array(new)), 16.0**0.5, rtol=1e-5)


def test_reprioritising_a_final_observation_does_not_make_it_drawable() -> None:
    replay, model = Prioritised(60), Model(2, seed=4, end=0.5)
    state = fill(replay, model, 20, 1, 1)
    everything = np.arange(60)
    state = compiled()[2](traced(replay), state, everything, np.full(60, 9, np.float32))
    check(draw(replay, state, 1), model.windows(30, 1))


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
