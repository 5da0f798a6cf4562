"""Lanes that step in two halves while the agent acts in the other one: the same rows, in an order that is fixed."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq
from argmaxq.lanes.copies import Answers, Call, Copies, LocalCopies
from argmaxq.lanes.gymnasium_lanes import GymnasiumLanes
from argmaxq.lanes.room import COPIES, LEAST
from argmaxq.lanes.workers import Workers
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.training.engines.host import HostEngine
from oracles.parts import leaves_equal
from samples.own_environments import Own
from support.lane_rows import random_actions
from support.trainer import train

LANES, ROLLOUT = 4, 3
SIDE = 80
"""Pixels of a picture that is large enough to be shared."""


class Noted(LocalCopies):
    """Copies that note when calls are sent and when their answers are fetched, by the first lane of the calls."""

    def __init__(self, make: Callable[[], gym.Env[Any, Any]]) -> None:
        super().__init__(make)
        self.events: list[tuple[str, int]] = []

    def send(self, calls: Sequence[Call]) -> Answers:
        first = calls[0][0]
        self.events.append(("sent", first))
        answers = super().send(calls)

        def fetched() -> list[Any]:
            self.events.append(("fetched", first))
            return answers()

        return fetched


def pictures(side: int = SIDE) -> Own:
    """An environment that shows random bytes."""
    return Own(spaces.Box(0, 255, (side, side), np.uint8))


def agent(**values: Any) -> aq.Agent:
    """It acts at random, for what a network says of half the lanes may differ in the last bit."""
    given = {"network": MLP((8,)), "exploration": EpsilonGreedy(Constant(1.0)), "replay": Uniform(100)} | values
    return aq.agents.DQN(batch_size=8, learning_starts=8, rollout=ROLLOUT, updates=1, **given)


def trained(agent: aq.Agent, parts: int, copies: Copies | None = None) -> Any:
    """The state after some iterations on CartPole."""
    make = partial(gym.make, "CartPole-v1")
    lanes = GymnasiumLanes(make, LANES, copies=copies, parts=parts)
    engine: Any = HostEngine(agent, lanes, 0, lambda *_: None)
    return train(engine, 40, 10)[0]


@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_parts_are_equal_and_all_of_the_lanes(lanes: int) -> None:
    found = GymnasiumLanes(Own, lanes, parts=2).parts
    assert [lane for part in found for lane in range(part.start, part.stop)] == list(range(lanes))
    assert len({part.stop - part.start for part in found}) == 1
    assert len(found) == (2 if lanes % 2 == 0 else 1)


def test_training_in_halves_is_training() -> None:
    assert leaves_equal(trained(agent(), 1), trained(agent(), 2))


def test_one_half_is_sent_before_the_other_is_fetched() -> None:
    copies = Noted(partial(gym.make, "CartPole-v1"))
    trained(agent(), 2, copies)
    half = LANES // 2
    sent = [("sent", 0), ("sent", half)]
    between = [("fetched", 0), ("sent", 0), ("fetched", half), ("sent", half)] * (ROLLOUT - 1)
    each = [*sent, *between, ("fetched", 0), ("fetched", half)]
    assert copies.events[-len(each) :] == each


def test_an_agent_that_remembers_keeps_each_lanes_memory() -> None:
    remembers = aq.find("cartpole-hidden/r2d2").agent
    small = aq.replace(remembers, {"rollout": 5, "exploration": EpsilonGreedy(Constant(1.0))})
    one, two = (jax.tree.leaves(trained(small, parts).memory) for parts in (1, 2))
    assert one
    for whole, halves in zip(one, two, strict=True):
        assert np.allclose(whole, halves, atol=1e-5)


@pytest.mark.parametrize("side", [2, SIDE])
def test_processes_show_what_they_would_send(side: int) -> None:
    assert (side**2 >= LEAST) == (side == SIDE)
    make = partial(pictures, side)
    here, there = GymnasiumLanes(make, LANES), GymnasiumLanes(make, LANES, copies=Workers(make, 2), parts=2)
    try:
        assert np.array_equal(here.reset(1), there.reset(1))
        for actions in random_actions(here, 12):
            whole = here.step(actions)
            for part in there.parts:
                there.send(part, actions[part])
            for part in there.parts:
                half = there.receive(part)
                for ours, theirs in zip(whole[:5], half[:5], strict=True):
                    assert np.array_equal(ours[part], theirs)
            assert np.array_equal(there.observe(), whole.obs)
    finally:
        there.close()


def test_copies_beyond_the_room_are_sent() -> None:
    copies = Workers(pictures, 2)
    try:
        numbers = [0, COPIES - 1, COPIES, COPIES + 1]
        copies.ask([(number, "start", (number,)) for number in numbers])
        answers = copies.ask([(number, "step", (0,)) for number in numbers])
        alone = LocalCopies(pictures)
        alone.ask([(number, "start", (number,)) for number in numbers])
        for ours, theirs in zip(answers, alone.ask([(number, "step", (0,)) for number in numbers]), strict=True):
            assert np.array_equal(ours.obs, theirs.obs)
    finally:
        copies.close()


def test_processes_that_start_again_show_their_own() -> None:
    copies, alone = Workers(pictures, 1), LocalCopies(pictures)
    for seed in range(2):
        calls: list[Call] = [(0, "start", (seed,)), (0, "step", (0,))]
        assert np.array_equal(copies.ask(calls)[1].obs, alone.ask(calls)[1].obs)
        copies.close()


def test_a_half_that_was_not_fetched_does_not_answer_for_the_next() -> None:
    copies = Workers(pictures, 2)
    try:
        copies.ask([(number, "start", (number,)) for number in range(2)])
        copies.send([(0, "step", (0,)), (1, "step", (0,))])
        assert copies.ask([(0, "generator", ())])[0] is not None
    finally:
        copies.close()
