"""Replay once more: a list of rows for each lane, and the windows a reader would find in it."""

from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from argmaxq.components.component import traced
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Batch, Row
from oracles.parts import clock, fold

SPACES = Spaces(ArraySpec((2,), "float32"), DiscreteActions(7))
GAMMA = np.float32(0.75)
SAMPLES = 1024
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
        self.older = self.forgotten = 0

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
        obs = np.array([[self.seen(lane, t) for lane in range(len(self.lanes))] for t in times], np.float32)
        fields = [np.array([[getattr(lane[t], name) for lane in self.lanes] for t in times]) for name in Past._fields]
        action, reward, *flags = fields
        return Row(obs, action.astype(np.int32), reward.astype(np.float32), *flags)

    def seen(self, lane: int, time: int) -> tuple[int, ...]:
        """The observation of a row."""
        return lane, time

    def cut(self, lanes: list[int]) -> None:
        for lane in lanes:
            self.lanes[lane][-1] = self.lanes[lane][-1]._replace(truncated=True)

    def starts(self, kept: int, n: int) -> dict[int, tuple[int, int]]:
        """Where a window of n rows and its next observation are still there: index -> (lane, time)."""
        written = len(self.lanes[0])
        oldest = max(self.forgotten, written - kept + self.older if written >= kept else 0)
        times = range(oldest, written - n)
        return {(t % kept) * len(self.lanes) + i: (i, t) for t in times for i in range(len(self.lanes))}

    def windows(self, kept: int, n: int) -> dict[int, tuple[Any, ...]]:
        """Every transition that may be drawn: index -> (obs, action, reward, discount, next_obs)."""
        found = {}
        for index, (i, t) in self.starts(kept, n).items():
            window = self.lanes[i][t : t + n]
            if not window[0].last:
                columns = zip(*[(row.reward, row.terminated, row.truncated) for row in window], strict=True)
                reward, discount, steps = fold(*columns, float(GAMMA))
                places = self.seen(i, t), self.seen(i, t + steps)
                found[index] = (places[0], window[0].action, reward, discount, places[1])
        return found


class FilmModel(Model):
    """Observations are stacks of the newest frames of an episode, each of one number that no other has."""

    def __init__(self, lanes: int, seed: int, end: float, frames: int) -> None:
        super().__init__(lanes, seed, end)
        self.older, self._base = frames - 1, 0

    def seen(self, lane: int, time: int) -> tuple[int, ...]:
        first = next((t + 1 for t in reversed(range(time)) if self.lanes[lane][t].last), 0)
        return tuple(lane + len(self.lanes) * (max(t, first) + self._base) for t in range(time - self.older, time + 1))

    def keep(self, count: int) -> None:
        """Forget all but the newest rows, which are numbered anew."""
        dropped = len(self.lanes[0]) - count
        self.lanes = [lane[dropped:] for lane in self.lanes]
        self._base, self.forgotten = self._base + dropped, self.older


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
        for ours, theirs in zip(batch.transition[:5], columns, strict=True):
            np.testing.assert_allclose(ours[drawn], np.array(theirs), rtol=1e-5, atol=1e-6)
    else:
        assert np.isfinite(batch.weight).all()
