"""DQN's update against a hand computation, the textbook's table, and the counts of updates."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.component import UserError
from argmaxq.learning.bootstrap import Double, Max
from argmaxq.learning.dqn import DQN
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD, Adam
from argmaxq.learning.returns import Huber, Scalar, Squared
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.learning.sync import Online, Periodic, Polyak
from argmaxq.networks.heads import Dueling
from argmaxq.networks.mlp import MLP
from argmaxq.replay import sum_tree
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.types import ArraySpec, Batch, DiscreteActions, Row, Spaces, Transition
from oracles import LINEAR, TABLE, clock, leaves_equal, one_hot
from trainer import compiled_engine, train

KEY = jax.random.key(7)
FEATURES, ACTIONS, BATCH = 3, 4, 8
SPACES = Spaces(ArraySpec((FEATURES,), "float32"), DiscreteActions(ACTIONS))
NEVER = Periodic(10**9)


def batch(seed: int = 0, size: int = BATCH, scale: float = 1.0) -> Batch:
    """Transitions with every action, some of them terminal, of different weights."""
    rng = np.random.default_rng(seed)
    transition = Transition(
        obs=rng.normal(size=(size, FEATURES)).astype(np.float32),
        action=np.arange(size, dtype=np.int32) % ACTIONS,
        reward=(scale * rng.normal(size=size)).astype(np.float32),
        discount=np.where(np.arange(size) % 3 == 0, 0.0, 0.9).astype(np.float32),
        next_obs=rng.normal(size=(size, FEATURES)).astype(np.float32),
    )
    return Batch(transition, rng.uniform(0.2, 1, size).astype(np.float32), np.zeros(size, np.int32))


def apart(agent: DQN, spaces: Spaces = SPACES) -> Any:
    """A learner whose target network differs from its online one."""
    learner = agent.init(KEY, spaces, 1)
    return learner._replace(target=agent.init(jax.random.key(8), spaces, 1).params)


@pytest.mark.parametrize("reward_scale", [1.0, 0.25])
@pytest.mark.parametrize("error", [Squared(), Huber(1.2)])
@pytest.mark.parametrize("bootstrap", [Max(), Double()])
def test_an_update_by_hand(bootstrap: Any, error: Any, reward_scale: float) -> None:
    """Loss, TD errors and the semi-gradient step of a linear network, written out in NumPy's double precision."""
    agent = DQN(
        network=LINEAR,
        returns=Scalar(error),
        bootstrap=bootstrap,
        optimiser=SGD(0.5),
        sync=Polyak(0.25),
        reward_scale=reward_scale,
    )
    learner, (transition, weight, index) = apart(agent), batch()
    online, target = np.array(learner.params, float), np.array(learner.target, float)
    rows = np.arange(BATCH)

    next_value = transition.next_obs @ target
    choice = np.argmax(next_value if bootstrap == Max() else transition.next_obs @ online, axis=1)
    goal = reward_scale * transition.reward + transition.discount * next_value[rows, choice]
    q = (transition.obs @ online)[rows, transition.action]
    surprise = goal - q
    delta = np.inf if error == Squared() else 1.2
    small = np.minimum(np.abs(surprise), delta)
    losses = 0.5 * small**2 + (delta * (np.abs(surprise) - small) if error != Squared() else 0)
    pull = weight * np.clip(surprise, -delta, delta) / BATCH  # minus the loss's derivative by q
    step = np.zeros_like(online)
    for obs, action, amount in zip(transition.obs, transition.action, pull, strict=True):
        step[:, action] += amount * obs
    assert (np.abs(surprise) > 1.2).any()
    assert (np.abs(surprise) < 1.2).any()

    new, td_error, metrics = jax.jit(agent.update)(learner, Batch(transition, weight, index))
    np.testing.assert_allclose(td_error, surprise, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(metrics["loss"], (weight * losses).mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["q"], q.mean(), rtol=1e-5)
    np.testing.assert_allclose(new.params, online + 0.5 * step, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(new.target, 0.75 * target + 0.25 * (online + 0.5 * step), rtol=1e-5, atol=1e-5)
    assert new.updates == 1


def test_bootstraps_differ_here() -> None:
    """What the hand computation tells apart is different in this batch."""
    results = []
    for bootstrap in (Max(), Double()):
        agent = DQN(network=LINEAR, bootstrap=bootstrap)
        results.append(agent.update(apart(agent), batch())[1])
    assert not np.allclose(*results)


def test_gradients_reach_every_online_weight_and_never_the_target() -> None:
    network = MLP((16, 16), activation="tanh", layer_norm=True, head=Dueling())
    for bootstrap in (Max(), Double()):
        agent = DQN(network=network, bootstrap=bootstrap, optimiser=SGD(1.0), sync=NEVER)
        learner = apart(agent)
        new, _, _ = jax.jit(agent.update)(learner, batch(size=64))
        moved = jax.tree.map(lambda old, new: bool((old != new).all()), learner.params, new.params)
        assert all(jax.tree.leaves(moved)), moved
        assert leaves_equal(new.target, learner.target)


STATES = 6
TABULAR = Spaces(ArraySpec((STATES,), "float32"), DiscreteActions(3))


@pytest.mark.parametrize(
    ("alpha", "gamma", "tolerance"),
    [(0.5, 0.5, 0), (0.125, 0.25, 0), (1.0, 1.0, 0), (0.25, 0.0, 0), (0.1, 0.9, 2e-7), (0.3, 0.99, 2e-7)],
)
def test_a_table_is_textbook_q_learning(alpha: float, gamma: float, tolerance: float) -> None:
    """Q(s, a) += alpha (r + gamma max Q(s', .) - Q(s, a)) in single precision, a transition at a time.

    With powers of two the products are exact and so are the bits; otherwise XLA may round a product and a sum at once.
    """
    agent = DQN(
        network=TABLE, returns=Scalar(Squared()), optimiser=SGD(alpha), sync=Online(), gamma=gamma, replay=Uniform(9)
    )
    update = jax.jit(agent.update)
    learner, rng = agent.init(KEY, TABULAR, 1), np.random.default_rng(0)
    alpha, gamma = np.float32(alpha), np.float32(gamma)
    for _ in range(500):
        state, next_state, action = rng.integers(STATES), rng.integers(STATES), rng.integers(3)
        reward, terminal = np.float32(rng.normal()), rng.random() < 0.2
        q = np.array(learner.params)
        discount = np.float32(0) if terminal else gamma
        q[state, action] += alpha * (reward + discount * q[next_state].max() - q[state, action])
        sample = Transition(one_hot(state, STATES), np.int32(action), reward, discount, one_hot(next_state, STATES))
        one = Batch(jax.tree.map(lambda leaf: leaf[None], sample), np.ones(1, np.float32), np.zeros(1, np.int32))
        learner, _, _ = update(learner, one)
        scale = max(1.0, np.abs(q).max())
        np.testing.assert_allclose(learner.params, q, rtol=0, atol=tolerance * scale)
        assert leaves_equal(learner.target, learner.params)
    assert np.abs(q).min() > 0


def test_update_is_public() -> None:
    """Training on a batch of one's own, terminal transitions only, is regression: Q(s, a) becomes the reward."""
    agent = DQN(network=MLP((64,)), optimiser=Adam(0.01), sync=NEVER)
    own = batch(size=16)
    own = own._replace(transition=own.transition._replace(discount=np.zeros(16, np.float32)))
    learner, update = agent.init(KEY, SPACES, 1), jax.jit(agent.update)
    for _ in range(500):
        learner, td_error, metrics = update(learner, own)
    found = jax.vmap(lambda obs, action: agent.values(learner.params, obs)[action])(*own.transition[:2])
    np.testing.assert_allclose(found, own.transition.reward, atol=0.05)
    assert td_error.shape == (16,)
    assert metrics["loss"] < 1e-3
    assert learner.updates == 500


def rows(count: int, lanes: int = 2, seed: int = 0) -> Row:
    rng = np.random.default_rng(seed)
    flags = np.zeros((count, lanes), bool)
    return Row(
        rng.normal(size=(count, lanes, FEATURES)).astype(np.float32),
        rng.integers(ACTIONS, size=(count, lanes)).astype(np.int32),
        rng.normal(size=(count, lanes)).astype(np.float32),
        flags,
        flags,
        flags,
    )


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
    state, reports = train(compiled_engine(agent, lanes=lanes), agent, 25)
    assert state.learner.updates == reports[-1][0].updates == updates
    assert sum((i + 1) * rollout * lanes >= starts for i in range(25)) == updates


def test_sync_counts_gradient_updates() -> None:
    """Three updates in each call of learn: a period of 3 copies at its end, one of 6 every second time."""
    for period, calls, synced in [(3, 1, True), (3, 2, True), (6, 1, False), (6, 2, True), (6, 3, False)]:
        before, learner, _ = learnt(DQN(network=LINEAR, updates=3, learning_starts=0, sync=Periodic(period)), calls)
        assert leaves_equal(learner.target, learner.params) == synced
        assert leaves_equal(learner.target, before.target) == (3 * calls < period)


def test_annealing_counts_gradient_updates() -> None:
    """A rate that falls from 1 to 0 over 2 updates: the third changes nothing."""
    agent = DQN(network=LINEAR, optimiser=SGD(1.0, annealing=Linear(1.0, 0.0, 2, per="update")), sync=NEVER)
    learners = [apart(agent)]
    for _ in range(3):
        learners.append(agent.update(learners[-1], batch())[0])
    full = DQN(network=LINEAR, optimiser=SGD(1.0), sync=NEVER)
    steps = [np.array(new.params - old.params) for old, new in itertools.pairwise(learners)]
    whole = [np.array(full.update(old, batch())[0].params - old.params) for old in learners[:3]]
    np.testing.assert_allclose(steps, [whole[0], 0.5 * whole[1], 0 * whole[2]], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_reward_scale_is_a_factor_on_rewards(scale: float) -> None:
    one, other = DQN(network=LINEAR), DQN(network=LINEAR, reward_scale=scale)
    expected, td_error, _ = one.update(apart(one), batch(scale=scale))
    learner, scaled_error, _ = other.update(apart(other), batch())
    assert leaves_equal((learner.params, scaled_error), (expected.params, td_error))


def test_returns_are_reported_raw() -> None:
    agent = DQN(network=LINEAR, reward_scale=0.01)
    _, reports = train(compiled_engine(agent, lanes=2), agent, 100)
    episodes = reports[0][0].episodes
    assert len(episodes.returns) > 5
    np.testing.assert_array_equal(episodes.returns, episodes.lengths)


def test_learning_is_sample_update_reprioritise() -> None:
    """Three updates in a loop of XLA's give what three calls of the public parts give, one after another."""
    agent = DQN(network=LINEAR, replay=Prioritised(100), n_step=3, updates=3, learning_starts=0, batch_size=8)
    before, learner, metrics = learnt(agent, 1)
    expected, now, losses = before, clock(step=10**6), []
    for bits in agent.draw(jax.random.fold_in(KEY, 0), 2):
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


def test_acting_without_exploration_is_greedy() -> None:
    agent = DQN(network=LINEAR, exploration=EpsilonGreedy(Constant(0.0)))
    params = agent.init(KEY, SPACES, 1).params
    for obs in batch().transition.obs:
        action, actor = agent.act(params, (), obs, clock(), (jnp.float32(0), jnp.uint32(3)))
        assert action == agent.greedy(params, obs) == np.argmax(obs @ params)
        assert action.dtype == agent.greedy(params, obs).dtype == jnp.int32
        assert actor == ()


def test_a_replay_too_small_for_a_rollout_is_refused() -> None:
    agent = DQN(network=LINEAR, replay=Uniform(99), rollout=48, n_step=2)
    with pytest.raises(UserError, match="2 lanes need at least 100 rows"):
        agent.init(KEY, SPACES, 2)
