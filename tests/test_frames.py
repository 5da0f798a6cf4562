"""Frames that a replay keeps once: the stacks made of them are those that came in."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.storage import Frames
from argmaxq.replay.uniform import Uniform
from argmaxq.types import ArraySpec, DiscreteActions, Spaces
from replay_oracle import FilmModel, Replay, check, compiled, draw

RESIZED = jax.jit(lambda replay, state, before, n: replay.resized(state, before, n), static_argnums=3)


def film(frames: int) -> Spaces:
    """What an agent sees of an environment whose frames are numbers."""
    return Spaces(ArraySpec((frames,), "float32", frames=frames), DiscreteActions(7))


@pytest.mark.parametrize("kind", [Uniform, Prioritised])
@pytest.mark.parametrize(
    ("lanes", "allocation", "n", "chunk", "frames"),
    [(1, 9, 1, 1, 2), (2, 20, 2, 3, 4), (3, 40, 3, 2, 4), (2, 24, 1, 4, 3)],
)
@settings(max_examples=10)
@given(data=st.data())
def test_stacks_are_those_that_came_in(
    kind: type[Replay], lanes: int, allocation: int, n: int, chunk: int, frames: int, data: st.DataObject
) -> None:
    """Rows come in, over many episodes and the write position; lanes are cut, priorities change, capacity does once.

    Each time a thousand windows are drawn, and held against whole rows: every one that may be drawn is.
    """
    spaces, least = film(frames), (chunk + n + frames - 1) * lanes
    sizes = st.integers(least, allocation)
    capacity = data.draw(sizes, label="capacity")

    def replay_of(capacity: int) -> Any:
        return traced(bind(kind(capacity, allocation, storage=Frames()), spaces))

    model = FilmModel(lanes, data.draw(st.integers(0, 2**32)), data.draw(st.sampled_from([0.0, 0.1, 0.4])), frames)
    add, _, reprioritise, cut = compiled()
    replay, kept = replay_of(capacity), capacity // lanes
    state = bind(kind(capacity, allocation, storage=Frames()), spaces).init(spaces, lanes, chunk + n)
    rounds = 3 * kept // chunk + 2
    change = data.draw(st.integers(0, rounds), label="change")
    for number in range(rounds):
        state = add(replay, state, model.extend(chunk), n)
        if data.draw(st.integers(0, 4)) == 0:
            going = [i for i in range(lanes) if not any(model.lanes[i][-1][2:])][:1]
            state = cut(replay, state, np.array(going, np.int32)) if going else state
            model.cut(going)
        if number == change:
            before, capacity = capacity, data.draw(sizes, label="new capacity")
            count = min(len(model.lanes[0]), kept, capacity // lanes)
            replay, kept = replay_of(capacity), capacity // lanes
            state = RESIZED(replay, state, np.int32(before), n)
            model.keep(count)
        batch = draw(replay, state, n, seed=number)
        check(batch, model.windows(kept, n))
        state = reprioritise(replay, state, batch.index, 0.5 + batch.index % 7 / 7)


def test_observations_that_are_no_stacks_are_refused() -> None:
    spaces = Spaces(ArraySpec((4, 84, 84), "uint8"), DiscreteActions(2))
    with pytest.raises(UserError, match="set it to whole"):
        bind(Uniform(100, storage=Frames()), spaces).init(spaces, 1, 2)
