"""Networks that begin anew: what does, when, and that everything else stays."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.components.errors import UserError
from argmaxq.learning.resets import Resets
from argmaxq.learning.sync import Polyak
from argmaxq.networks.heads import Dueling
from argmaxq.networks.inputs import Running
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from oracles.parts import clock, leaves_equal
from support.small_rows import KEY, SPACES, rows
from support.trainer import ENGINES, outcome, train

NETWORK = MLP((8,), inputs=Running(), head=Dueling())
AGENT = DQN(network=NETWORK, replay=Uniform(500), learning_starts=0, updates=3, batch_size=16, average=Polyak(0.1))


def learnt(resets: Resets | None, calls: int) -> Any:
    agent = dataclasses.replace(AGENT, resets=resets)
    learner = agent.remember(agent.init(KEY, SPACES, 2), rows(50))
    step = jax.jit(agent.learn)
    for call in range(calls):
        drawn = agent.draw(jax.random.fold_in(KEY, call), 2)
        learner, _ = step(learner, rows(4), rows(1).obs[0], clock(step=10**6), drawn)
    return learner


def test_all_of_the_network_and_its_optimiser_begin_anew_and_nothing_else() -> None:
    """A period of 5 updates is over in the second call of 3, whose last update is number 6."""
    plain, before, after = learnt(None, 2), learnt(Resets(5), 1), learnt(Resets(5), 2)
    assert leaves_equal(before._replace(seed=()), learnt(None, 1)._replace(seed=()))
    key = jax.random.fold_in(KEY, 6)
    fresh = NETWORK.init(key, rows(1).obs[0, 0], (4, 1)) | {"scales": plain.params["scales"]}
    for params in (after.params, after.target, after.average):
        assert leaves_equal(params, fresh)
    assert leaves_equal(after.optimiser, AGENT.optimiser.init(fresh))
    assert leaves_equal((after.replay, after.updates), (plain.replay, plain.updates))
    assert leaves_equal(learnt(Resets(7), 2)._replace(seed=()), plain._replace(seed=()))


def test_only_the_layers_that_are_named_begin_anew() -> None:
    plain, after = learnt(None, 2), learnt(Resets(5, ("output", "value")), 2)
    for name, layer in after.params.items():
        assert leaves_equal(layer, plain.params[name]) == (name not in ("output", "value"))
    assert np.array_equal(after.params["output"]["bias"], np.zeros((4, 1)))
    with pytest.raises(
        UserError, match=r"^agent.resets.layers = head: the network has Dense_0, output, scales, value$"
    ):
        dataclasses.replace(AGENT, resets=Resets(5, ("head",))).init(KEY, SPACES, 2)


@pytest.mark.parametrize(
    "agent",
    [
        dataclasses.replace(AGENT, learning_starts=50, resets=Resets(20)),
        PQN(network=NETWORK, rollout=16, epochs=2, minibatches=4, resets=Resets(20, ("output",))),
    ],
    ids=["dqn", "pqn"],
)
def test_both_engines_have_the_same_bits(agent: Any) -> None:
    one, two = (train(make(agent, lanes=8), 20)[0] for make in ENGINES.values())
    assert leaves_equal(outcome(one), outcome(two))
    never, _ = train(ENGINES["host"](dataclasses.replace(agent, resets=None), lanes=8), 20)
    assert not leaves_equal(one.learner.params, never.learner.params)
