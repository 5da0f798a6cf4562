"""The batches of several updates, drawn at once, are those drawn one by one."""

from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, HybridActions, Spaces
from argmaxq.types import Row
from oracles.parts import clock, leaves_equal

SPACES = Spaces(ArraySpec((2,), "float32"), HybridActions((1, 2)))
UPDATES, BATCH, LANES, N, GAMMA = 4, 16, 2, 3, 0.9


def filled(replay: Any, rows: int) -> Any:
    """A replay of rows of which some are ends and some the final observations after them."""
    rng = np.random.default_rng(0)
    ended = rng.random((rows, LANES)) < 0.2
    last = np.vstack([np.zeros((1, LANES), bool), ended[:-1]])
    ended &= ~last
    row = Row(
        rng.normal(size=(rows, LANES, 2)).astype(np.float32),
        SPACES.action.random(rng, rows * LANES).reshape(rows, LANES, 4),
        rng.normal(size=(rows, LANES)).astype(np.float32),
        ended,
        np.zeros((rows, LANES), bool),
        last,
    )
    return replay.add(replay.init(SPACES, LANES, rows), row, N)


@pytest.mark.parametrize("rows", [2, 30])
@pytest.mark.parametrize("replay", [Uniform(60), Prioritised(60)], ids=["uniform", "prioritised"])
def test_batches_equal_sampling_in_turn(replay: Any, rows: int) -> None:
    """Also while a replay is too empty; with new priorities between the batches, where they matter."""
    state = filled(replay, rows)
    bits = np.random.default_rng(1).integers(2**32, size=(UPDATES, BATCH), dtype=np.uint32)
    at = clock(step=50)

    def one_by_one(state: Any) -> Any:
        for own in bits:
            batch = replay.sample(state, own, N, GAMMA, at)
            state = replay.reprioritise(state, batch.index, batch.transition.reward)
            yield batch

    def at_once(state: Any) -> Any:
        batches = replay.batches(state, bits, N, GAMMA, at)
        for number in range(UPDATES):
            batch = batches(state, number)
            state = replay.reprioritise(state, batch.index, batch.transition.reward)
            yield batch

    expected, found = list(one_by_one(state)), list(at_once(state))
    assert leaves_equal(found, expected)
    assert (np.stack([batch.weight for batch in found]) > 0).all() == (rows > N)
    if rows > N:
        assert not leaves_equal(found[0], found[1])
        frozen = [replay.sample(state, own, N, GAMMA, at) for own in bits]
        assert leaves_equal(frozen, expected) == isinstance(replay, Uniform), "priorities matter to later batches"
        assert jax.tree.map(np.shape, found[0].transition.action) == (BATCH, 4)
