"""States that earlier versions saved in another form are read as the same ones."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from argmaxq import programs
from argmaxq.agents.dqn import DQN
from argmaxq.learning import optimisers
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from oracles.parts import leaves_equal
from support.trainer import ENGINES, train

AGENT = DQN(network=MLP((16, 8)), replay=Uniform(500), learning_starts=50, batch_size=16)
RADAM = dataclasses.replace(AGENT, optimiser=optimisers.RAdam())
CASES = {"compiled": (0,), "compiled-seeds": (0, 1, 2), "host": (0,)}


@pytest.mark.parametrize("agent", [AGENT, RADAM], ids=["adam", "radam"])
@pytest.mark.parametrize("name", CASES)
def test_moments_that_were_kept_end_to_end(name: str, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make, seeds = ENGINES[name.split("-")[0]], CASES[name]
    engine = make(agent, seeds=seeds)
    state, _ = train(engine, 100)
    saved = engine.save(state)
    monkeypatch.setattr(optimisers, "END_TO_END", 0)
    programs.forget()
    after = make(agent, seeds=seeds)
    restored, lost = after.restore(*saved)
    assert not lost
    assert leaves_equal(restored.learner.params, state.learner.params)
    for moment in ("mu", "nu"):
        old, new = (getattr(each.learner.optimiser, moment) for each in (state, restored))
        assert len(jax.tree.leaves(new)) == len(jax.tree.leaves(state.learner.params))
        flat = ravel_pytree(new)[0] if len(seeds) == 1 else jax.vmap(lambda tree: ravel_pytree(tree)[0])(new)
        np.testing.assert_array_equal(flat, old)
    after.run(restored, 100, 120, 100_000)
    programs.forget()
