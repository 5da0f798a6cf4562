"""DQN's loop of updates: when it starts, what it counts, and what it does with the replay."""

from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.agents.dqn import DQN
from argmaxq.components.errors import UserError
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Periodic
from argmaxq.replay import sum_tree
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from oracles.parts import LINEAR, clock, leaves_equal
from support.small_rows import FEATURES, KEY, SPACES, rows
from support.trainer import compiled_engine, train

NEVER = Periodic(10**9)


def learnt(agent: DQN, calls: int, step: int = 10**6) -> tuple[Any, Any, Any]:
    """(learner before, learner after so many calls of learn, the latest metrics), all on 20 remembered rows."""
    before = learner = agent.remember(agent.init(KEY, SPACES, 2), rows(20))
    learn = jax.jit(agent.learn)
    for call in range(calls):
        drawn = agent.draw(jax.random.fold_in(KEY, call), 2)
        learner, metrics = learn(learner, rows(4), np.zeros((2, FEATURES), np.float32), clock(step=step), drawn)
    return before, learner, metrics


def test_learning_starts_when_so_many_steps_are_done() -> None:
    agent = DQN(network=LINEAR, learning_starts=100, updates=3)
    before, early, metrics = learnt(agent, 1, step=99)
    assert leaves_equal(early, before)
    assert metrics["updates"] == 0
    before, learner, metrics = learnt(agent, 1, step=100)
    assert learner.updates == metrics["updates"] == 3
    assert not leaves_equal(learner.params, before.params)
    assert leaves_equal(learner.replay, before.replay)


@pytest.mark.parametrize(("lanes", "rollout", "starts", "updates"), [(1, 4, 40, 16), (2, 3, 31, 20), (8, 4, 0, 25)])
def test_steps_are_counted_over_all_lanes(lanes: int, rollout: int, starts: int, updates: int) -> None:
    """Of 25 iterations those learn that end with at least ``starts`` env steps behind them."""
    agent = DQN(network=LINEAR, rollout=rollout, learning_starts=starts, replay=Uniform(1_000))
    state, reports = train(compiled_engine(agent, lanes=lanes), 25)
    assert state.learner.updates == reports[-1][0].updates == updates
    assert sum((i + 1) * rollout * lanes >= starts for i in range(25)) == updates


def test_sync_counts_gradient_updates() -> None:
    """Three updates in each call of learn: a period of 3 copies at its end, one of 6 every second time."""
    for period, calls, synced in [(3, 1, True), (3, 2, True), (6, 1, False), (6, 2, True), (6, 3, False)]:
        before, learner, _ = learnt(DQN(network=LINEAR, updates=3, learning_starts=0, sync=Periodic(period)), calls)
        assert leaves_equal(learner.target, learner.params) == synced
        assert leaves_equal(learner.target, before.target) == (3 * calls < period)


def test_returns_are_reported_raw() -> None:
    agent = DQN(network=LINEAR, rewards=Scale(0.01))
    _, reports = train(compiled_engine(agent, lanes=2), 100)
    episodes = reports[0][0].episodes
    assert len(episodes.returns) > 5
    np.testing.assert_array_equal(episodes.returns, episodes.lengths)


def test_learning_is_sample_update_reprioritise() -> None:
    """Three updates in a loop of XLA's give what three calls of the public parts give, one after another."""
    agent = DQN(network=LINEAR, replay=Prioritised(100), n_step=3, updates=3, learning_starts=0, batch_size=8)
    before, learner, metrics = learnt(agent, 1)
    expected, now, losses = before, clock(step=10**6), []
    for bits in agent.draw(jax.random.fold_in(KEY, 0), 2).bits:
        sampled = agent.replay.sample(expected.replay, bits, 3, agent.gamma, now)
        expected, td_error, parts = agent.update(expected, sampled, now)
        replay = agent.replay.reprioritise(expected.replay, sampled.index, td_error)
        expected, losses = expected._replace(replay=replay), [*losses, parts["loss"]]
    for one, other in zip(jax.tree.leaves(learner), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(metrics["loss"], np.mean(losses), rtol=1e-5)
    assert not leaves_equal(learner.replay.tree, before.replay.tree)


def test_td_errors_become_priorities() -> None:
    """At a learning rate too small to change a weight, each sampled transition gets (|td_error| + epsilon)^alpha."""
    agent = DQN(
        network=LINEAR,
        replay=Prioritised(100, alpha=0.7),
        optimiser=SGD(1e-30),
        sync=NEVER,
        gamma=0.9,
        batch_size=16,
        learning_starts=0,
    )
    before, learner, _ = learnt(agent, 1)
    bits = np.random.default_rng(0).integers(2**32, size=256, dtype=np.uint32)
    everything = agent.replay.sample(before.replay, bits, 1, 0.9, clock())
    _, td_error, _ = agent.update(before, everything)
    found = np.array(sum_tree.leaves(learner.replay.tree, everything.index))
    expected = (np.abs(td_error) + 1e-6) ** 0.7
    changed = found != 1.0
    assert 0 < changed.mean() < 1
    np.testing.assert_allclose(found[changed], expected[changed], rtol=1e-4)


def test_an_empty_replay_teaches_nothing() -> None:
    agent = DQN(network=LINEAR, optimiser=SGD(1.0), learning_starts=0)
    learner = agent.init(KEY, SPACES, 2)
    drawn = agent.draw(KEY, 2)
    new, _ = agent.learn(learner, rows(4), np.zeros((2, FEATURES), np.float32), clock(step=10), drawn)
    assert leaves_equal(new.params, learner.params)


def test_a_replay_too_small_for_a_rollout_is_refused() -> None:
    agent = DQN(network=LINEAR, replay=Uniform(99), rollout=48, n_step=2)
    with pytest.raises(UserError, match="2 lanes need at least 100 rows"):
        agent.init(KEY, SPACES, 2)
