"""Frames that a replay keeps once: the stacks made of them are those that came in."""

import dataclasses
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.experimental.functional import FuncEnv
from hypothesis import given, settings
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.lanes.frames import pictures
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.storage import Frames
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row
from oracles.parts import clock
from oracles.replay import FilmModel, Replay, check, compiled, draw
from support.runs import AGENT, assert_same, contents, crashed
from support.tiers import slow

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


class Film(FuncEnv[Any, Any, Any, Any, Any, Any, Any]):
    """Frames of four numbers: a dot that walks, which is worth most at one end; it stops there, or after 12 steps."""

    observation_space = pictures(3, (1, 2, 2))
    action_space = gym.spaces.Discrete(2)

    def initial(self, rng: Any, params: Any = None) -> Any:
        place = jax.random.randint(rng, (), 1, 4)
        return place, jnp.tile(_frame(place), (3, 1, 1))

    def transition(self, state: Any, action: Any, rng: Any, params: Any = None) -> Any:
        place = jnp.clip(state[0] + 2 * action - 1, 0, 8)
        return place, jnp.concatenate([state[1][1:], _frame(place)])

    def observation(self, state: Any, rng: Any = None, params: Any = None) -> Any:
        return state[1]

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        return (next_state[0] == 8).astype(jnp.float32)

    def terminal(self, state: Any, rng: Any = None, params: Any = None) -> Any:
        return state[0] == 8


def _frame(place: Any) -> Any:
    return (jnp.arange(4).reshape(1, 2, 2) * 20 + place * 9).astype(jnp.uint8)


class TestTraining:
    """A replay that is never full draws the same from either storage, so all comes out the same, to the bit."""

    def recipe(self, replay: str, **values: Any) -> aq.Recipe:
        env = aq.Env(Film, lanes=2, time_limit=12)
        base = aq.Recipe(dataclasses.replace(AGENT, network=MLP((8,))), env, 1_200, aq.Evaluation(600, 3))
        size = {"agent.replay": replay, "agent.replay.capacity": 1_500, "agent.n_step": 3, "checkpoint_every": 300}
        return aq.replace(base, size | values)

    @pytest.mark.parametrize("replay", ["prioritised", slow("uniform")])
    def test_frames_and_whole_observations_teach_the_same_on_both_engines(self, replay: str, tmp_path: Path) -> None:
        found = []
        for storage, engine in (("whole", "compiled"), ("frames", "compiled"), ("frames", "host")):
            recipe = self.recipe(replay, **{"agent.replay.storage": storage})
            run = aq.train(recipe, out=tmp_path / f"{storage}-{engine}", engine=engine)  # type: ignore[arg-type]
            # Of metrics the engines' evaluations have some of their own.
            found.append(
                {name: each for name, each in contents(run).items() if "step-" not in name and "metrics" not in name}
            )
        renamed = [{name.partition("/")[2]: value for name, value in own.items()} for own in found]
        assert renamed[0] == renamed[1] == renamed[2]

    def test_a_full_replay_of_frames_resumes_exactly(self, tmp_path: Path) -> None:
        recipe = self.recipe("prioritised", **{"agent.replay.storage": "frames", "agent.replay.capacity": 400})
        reference = aq.train(recipe, out=tmp_path / "reference")
        crashed(recipe, tmp_path / "run", 700)
        assert_same(aq.resume(tmp_path / "run", own={"env.id": Film}), reference)
        policy = aq.load(reference.path)  # of the folder alone, which says that its observations are stacks
        assert policy(np.zeros((3, 2, 2), np.uint8)) in (0, 1)


def test_gymnasiums_stacks_say_that_they_are() -> None:
    """Frames of CartPole's numbers: what a lane shows is made again of single frames, through every end."""
    base = gym.make("CartPole-v1", max_episode_steps=15)
    lanes = GymnasiumLanes(lambda: gym.wrappers.FrameStackObservation(base, 3), 1)
    assert lanes.spaces.observation.frames == 3
    zeros = GymnasiumLanes(lambda: gym.wrappers.FrameStackObservation(base, 3, padding_type="zero"), 1)
    assert zeros.spaces.observation.frames == 0
    replay = bind(Uniform(200, storage=Frames()), lanes.spaces)
    whole = Uniform(200)
    rows = record_rows(lanes, 60)
    one, other = (each.add(each.init(lanes.spaces, 1, 61), rows, 2) for each in (replay, whole))
    draws = np.random.default_rng(0).integers(2**32, size=500, dtype=np.uint32)
    ours, theirs = (each.sample(state, draws, 2, 0.9, clock()) for each, state in ((replay, one), (whole, other)))
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def record_rows(lanes: Any, count: int) -> Row:
    """Rows [count, 1] of random play."""
    obs, last, columns = lanes.reset(0), np.zeros(1, bool), []
    for action in np.random.default_rng(0).integers(2, size=(count, 1)):
        step = lanes.step(action.astype(np.int32))
        columns.append((obs, action, step.reward, step.terminated, step.truncated, last))
        obs, last = step.obs, step.last
    return Row(*(np.stack(column) for column in zip(*columns, strict=True)))
