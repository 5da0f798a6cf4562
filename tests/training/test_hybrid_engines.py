"""Agents of parameterised actions in both engines: they find what is known, the same bits, and resume exactly."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.critic_only import CriticOnly
from argmaxq.agents.pdqn import PDQN
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.parameters import Gaussian, OrnsteinUhlenbeck
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.networks.critics import Ensemble, MultiPass, SinglePass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.interpolated import Interpolated
from argmaxq.networks.mlp import MLP
from argmaxq.networks.quadratic import Quadratic
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from oracles.parts import leaves_equal
from samples.hybrid_probes import AIM, AIMING, CHOOSING, DECAY, LEARNING, PLATFORM, learnt
from support.runs import assert_same, crashed, killed_at
from support.tiers import quick_ones, slow
from support.trainer import ENGINES, compiled_engine, outcome, plain, train

PROBING = PDQN(
    critic=MultiPass(hidden=(32,)),
    actor_network=MLP((32,), inputs=Rescaled(), head=Centred()),
    actor_optimiser=Adam(5e-3, annealing=DECAY),
    **LEARNING,
)
CRITICS = {
    "mp-dqn": MultiPass(hidden=(64,), activation="tanh"),
    "p-dqn": SinglePass(hidden=(64,), activation="tanh"),
    "quadratic": Quadratic(hidden=(64,), activation="tanh"),
    "interpolated": Interpolated(hidden=(64,), activation="tanh", knots=16),
}


@pytest.mark.parametrize("critic", quick_ones(CRITICS, ["mp-dqn", "p-dqn"]))
def test_the_best_action_and_its_parameter_are_found(critic: str) -> None:
    """An actor that does not learn stays in the middle, at 0.25, where the other action is better for -1."""
    numbers, parameters = learnt(dataclasses.replace(PROBING, critic=CRITICS[critic]), AIMING)
    np.testing.assert_array_equal(numbers, [0, 0])
    np.testing.assert_allclose(parameters, [AIM, -AIM], atol=0.1)


def test_a_parameter_at_its_bound_is_found_for_each_action() -> None:
    """The best parameter of a shared Box is its greatest value, where inverted gradients have all but vanished."""
    numbers, parameters = learnt(dataclasses.replace(PROBING, gamma=0.0), CHOOSING)
    np.testing.assert_array_equal(numbers, [0, 1])
    np.testing.assert_allclose(parameters, [9, 9], atol=0.7)


SAME = PDQN(
    critic=MultiPass(hidden=(32,)),
    actor_network=MLP((32,), inputs=Rescaled(), head=Centred()),
    exploration=EpsilonGreedy(Linear(1.0, 0.1, 300)),
    replay=Uniform(3_000),
    batch_size=32,
    learning_starts=50,
)
ALONE = CriticOnly(Quadratic((32,)), replay=Uniform(3_000), batch_size=32, rollout=1, learning_starts=50)
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
        pytest.param(ALONE, PLATFORM, 1, id="critic-only-platform-1"),
        pytest.param(ALONE, AIMING, 8, id="critic-only-aiming-8"),
        slow(SAME, AIMING, 1, id="mp-dqn-aiming-1"),
        slow(SAME, AIMING, 8, id="mp-dqn-aiming-8"),
        slow(RICH, AIMING, 1, id="rich-aiming-1"),
        pytest.param(dataclasses.replace(SAME, parameter_exploration=Gaussian(), rollout=2), AIMING, 1, id="gaussian"),
        slow(RICH, PLATFORM, 1, id="rich-platform-1"),
        slow(RICH, PLATFORM, 8, id="rich-platform-8"),
    ],
)
def test_compiled_and_host_are_the_same_after_hundreds_of_updates(agent: Any, env: CompiledEnv, lanes: int) -> None:
    iterations = 300
    (one, reports), (two, other) = (train(make(agent, env, lanes, (3,)), iterations) for make in ENGINES.values())
    assert one.learner.updates >= 200
    assert sum(len(block[0].episodes.returns) for block in reports) > 10
    assert leaves_equal(outcome(one), outcome(two))
    assert leaves_equal(one.memory, two.memory)
    assert plain(reports) == plain(other)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(one.learner.params))


@pytest.mark.parametrize("engine", ["compiled", slow("host")])
def test_blocks_of_any_size_give_the_same_bits(engine: str) -> None:
    runs = [train(ENGINES[engine](RICH, AIMING, 2), 60, block) for block in (60, 7)]
    for state, _ in runs[1:]:
        assert leaves_equal(outcome(state)[:2], outcome(runs[0][0])[:2])
        assert leaves_equal(state.memory, runs[0][0].memory)


def test_the_replay_holds_what_was_acted_with() -> None:
    """The number and the parameters of all actions, as they reached the environment: its reward follows from them."""
    state, _ = train(compiled_engine(SAME, AIMING, 2), 400)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:400], state.learner.replay.rows)
    assert rows.action.shape == (400, 2, 3)
    assert np.abs(rows.action[..., 1:]).max() <= 1
    played = ~rows.last
    aim = -0.5 + 1.5 * (rows.action[..., 1] + 1) / 2
    expected = np.where(rows.action[..., 0] == 0, -((aim - AIM * rows.obs[..., 0]) ** 2), -0.1)
    np.testing.assert_allclose(rows.reward[played], expected[played], atol=1e-6)
    assert len(np.unique(rows.action[played][:, 2])) > 100, "parameters of actions that were not taken are kept, too"


RESUMED = aq.Recipe(
    dataclasses.replace(RICH, replay=Prioritised(600)),
    aq.Env("argmaxq/Platform-v0"),
    steps=2_000,
    evaluation=aq.Evaluation(500, 3),
    checkpoint_every=250,
)


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        (RESUMED, {}),
        slow(aq.replace(RESUMED, {"env.lanes": 2}), {"seeds": 2}),
        slow(aq.replace(RESUMED, {"steps": 1_200}), {"engine": "host"}),
    ],
    ids=["compiled", "seeds", "host"],
)
def test_resumed_equals_uninterrupted(recipe: aq.Recipe, options: dict[str, Any], tmp_path: Path) -> None:
    reference = aq.train(recipe, out=tmp_path / "reference", **options)
    crashed(recipe, tmp_path / "run", 600, **options)
    with killed_at(tmp_path / "run", 900) as callbacks:
        aq.resume(tmp_path / "run", callbacks=callbacks)
    assert_same(aq.resume(tmp_path / "run"), reference)
