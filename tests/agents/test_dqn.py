"""DQN's update against a hand computation and the textbook's table."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.agents.dqn import DQN
from argmaxq.learning.bootstrap import Double, Max
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD, Adam
from argmaxq.learning.returns import Huber, Scalar, Squared
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.learning.sync import Online, Periodic, Polyak
from argmaxq.networks.heads import Dueling
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Batch, Transition
from oracles.parts import LINEAR, TABLE, clock, leaves_equal, one_hot

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


@pytest.mark.parametrize("error", [Squared(), Huber(1.2)])
@pytest.mark.parametrize("bootstrap", [Max(), Double()])
def test_an_update_by_hand(bootstrap: Any, error: Any) -> None:
    """Loss, TD errors and the semi-gradient step of a linear network, written out in NumPy's double precision."""
    agent = DQN(
        network=LINEAR,
        returns=Scalar(error),
        bootstrap=bootstrap,
        optimiser=SGD(0.5),
        sync=Polyak(0.25),
    )
    learner, (transition, weight, index, *_) = apart(agent), batch()
    online, target = np.array(learner.params, float), np.array(learner.target, float)
    rows = np.arange(BATCH)

    next_value = transition.next_obs @ target
    choice = np.argmax(next_value if bootstrap == Max() else transition.next_obs @ online, axis=1)
    goal = transition.reward + transition.discount * next_value[rows, choice]
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


def test_acting_without_exploration_is_greedy() -> None:
    agent = DQN(network=LINEAR, exploration=EpsilonGreedy(Constant(0.0)))
    params = agent.init(KEY, SPACES, 1).params
    for obs in batch().transition.obs:
        action, actor = agent.act(params, (), obs, clock(), ((jnp.float32(0), jnp.uint32(3)), None))
        assert action == agent.greedy(params, (), obs)[0] == np.argmax(obs @ params)
        assert action.dtype == agent.greedy(params, (), obs)[0].dtype == jnp.int32
        assert actor == ()
