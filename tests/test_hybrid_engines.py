"""Agents of parameterised actions in both engines: the same bits."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.environments.compiled import CompiledEnv
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.parameters import Gaussian, OrnsteinUhlenbeck
from argmaxq.learning.pdqn import PDQN
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.networks.critics import Ensemble, MultiPass, SinglePass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from hybrid_probes import AIMING, PLATFORM
from oracles import leaves_equal
from test_engines import outcome, plain
from trainer import ENGINES, train

SLOW = pytest.mark.slow
SAME = PDQN(
    critic=MultiPass(hidden=(32,)),
    actor_network=MLP((32,), inputs=Rescaled(), head=Centred()),
    exploration=EpsilonGreedy(Linear(1.0, 0.1, 300)),
    replay=Uniform(3_000),
    batch_size=32,
    learning_starts=50,
)
RICH = dataclasses.replace(
    SAME,
    critic=Ensemble(SinglePass(hidden=(16, 16), layer_norm=True)),
    parameter_exploration=OrnsteinUhlenbeck(Constant(0.2), base=Gaussian(Constant(0.05))),
    replay=Prioritised(3_000),
    n_step=3,
    rollout=3,
    updates=2,
)


@pytest.mark.parametrize(
    ("agent", "env", "lanes"),
    [
        pytest.param(SAME, PLATFORM, 1, id="mp-dqn-platform-1"),
        pytest.param(SAME, PLATFORM, 8, id="mp-dqn-platform-8"),
        pytest.param(RICH, AIMING, 8, id="rich-aiming-8"),
        pytest.param(SAME, AIMING, 1, id="mp-dqn-aiming-1", marks=SLOW),
        pytest.param(SAME, AIMING, 8, id="mp-dqn-aiming-8", marks=SLOW),
        pytest.param(RICH, AIMING, 1, id="rich-aiming-1", marks=SLOW),
        pytest.param(RICH, PLATFORM, 1, id="rich-platform-1", marks=SLOW),
        pytest.param(RICH, PLATFORM, 8, id="rich-platform-8", marks=SLOW),
    ],
)
def test_compiled_and_host_are_the_same_after_hundreds_of_updates(agent: Any, env: CompiledEnv, lanes: int) -> None:
    iterations = 300
    (one, reports), (two, other) = (
        train(make(agent, env, lanes, (3,)), agent, iterations) for make in ENGINES.values()
    )
    assert one.learner.updates >= 200
    assert sum(len(block[0].episodes.returns) for block in reports) > 10
    assert leaves_equal(outcome(one), outcome(two))
    assert leaves_equal(one.actor, two.actor)
    assert plain(reports) == plain(other)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(one.learner.params))
