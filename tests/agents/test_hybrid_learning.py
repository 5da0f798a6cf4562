"""P-DQN and MP-DQN learn Platform."""

import dataclasses

import numpy as np
import pytest

from argmaxq.agents.pdqn import PDQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Linear
from argmaxq.networks.critics import MultiPass, SinglePass
from samples.hybrid_probes import PLATFORM
from support.tiers import slow
from support.trainer import compiled_engine

AGENT = PDQN(exploration=EpsilonGreedy(Linear(1.0, 0.02, 8_000)), learning_starts=500)


@pytest.mark.parametrize("critic", [SinglePass(), slow(MultiPass())], ids=["p-dqn", "mp-dqn"])
def test_platform(critic: object) -> None:
    """Chance gives 0.15, fixed parameters in the middle of their range end at the first gap, 0.25."""
    agent = dataclasses.replace(AGENT, critic=critic)
    engine = compiled_engine(agent, PLATFORM, seeds=(0, 1))
    state, best = engine.start(), np.zeros(2)
    for block in range(10):
        state, _ = engine.run(state, block * engine.length, (block + 1) * engine.length, 10 * engine.length)
        if block >= 5:
            best = np.maximum(best, [played.returns.mean() for played in engine.evaluate(state, 100, block)])
    assert best.min() >= 0.6, best
