"""PQN's learning against a hand computation on a table."""

from typing import Any

import jax
import numpy as np
import pytest

from argmaxq.agents.pqn import PQN, Sample
from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double, Max, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import Constant
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row
from oracles.parts import LINEAR, clock, leaves_equal, one_hot
from support.trainer import compiled_engine, train

KEY = jax.random.key(3)
LENGTH, LANES, ACTIONS = 6, 2, 3
STATES = (LENGTH + 1) * LANES
SPACES = Spaces(ArraySpec((STATES,), "float32"), DiscreteActions(ACTIONS))
GAMMA, LAMBDA, SCALE = 0.9, 0.7, 2.0


def rollout() -> tuple[Row, np.ndarray]:
    """Rows in which every observation is a state of its own: row t of lane i observes state 2 t + i.

    Lane 0 terminates in row 2, lane 1 is truncated in row 1, each followed by its last row.
    """
    rng = np.random.default_rng(0)
    states = np.arange(STATES).reshape(LENGTH + 1, LANES)
    terminated, truncated, last = np.zeros((3, LENGTH, LANES), bool)
    terminated[2, 0] = truncated[1, 1] = last[3, 0] = last[2, 1] = True
    reward = np.where(last, 0, rng.normal(size=(LENGTH, LANES))).astype(np.float32)
    action = rng.integers(ACTIONS, size=(LENGTH, LANES)).astype(np.int32)
    obs = one_hot(states, STATES)
    return Row(obs[:-1], action, reward, terminated, truncated, last), obs[-1]


def soft(table: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """The softmax policy's values [states], entropy included, and temperature * log pi [states, actions]."""
    log_policy = np.log(np.exp(table / temperature) / np.exp(table / temperature).sum(axis=1, keepdims=True))
    return (np.exp(log_policy) * (table - temperature * log_policy)).sum(axis=1), temperature * log_policy


def targets(table: np.ndarray, rows: Row, trace_decay: float, munchausen: Munchausen | None = None) -> np.ndarray:
    """Lambda-returns [rows, lanes] by going backwards through each lane."""
    value, bonus = table.max(axis=1).reshape(LENGTH + 1, LANES), np.zeros((LENGTH + 1, LANES, ACTIONS))
    if munchausen is not None:
        value, log_policy = soft(table, munchausen.temperature)
        value = value.reshape(LENGTH + 1, LANES)
        bonus = munchausen.weight * np.clip(log_policy, -munchausen.clip, 0).reshape(LENGTH + 1, LANES, ACTIONS)
    found = np.zeros((LENGTH, LANES))
    for lane in range(LANES):
        following = value[LENGTH, lane]
        for t in reversed(range(LENGTH)):
            boundary = rows.terminated[t, lane] or rows.truncated[t, lane]
            mixed = (1 - trace_decay) * value[t + 1, lane] + trace_decay * following
            ahead = 0 if rows.terminated[t, lane] else value[t + 1, lane] if boundary else mixed
            reward = SCALE * rows.reward[t, lane] + bonus[t, lane, rows.action[t, lane]]
            following = found[t, lane] = reward + GAMMA * ahead
    return found


@pytest.mark.parametrize("trace_decay", [0.0, LAMBDA, 1.0])
@pytest.mark.parametrize(("epochs", "minibatches"), [(1, 1), (1, 12), (2, 3), (3, 4)])
@pytest.mark.parametrize("bootstrap", [Max(), Munchausen(0.8, 0.7, 0.9)], ids=["max", "munchausen"])
def test_learning_by_hand(bootstrap: Any, epochs: int, minibatches: int, trace_decay: float) -> None:
    """On a table every row stands alone: each epoch moves its value once towards one fixed target, whatever the order.

    Final observations teach nothing, and the truncated row bootstraps from the state after it.
    """
    agent = PQN(
        network=LINEAR,
        bootstrap=bootstrap,
        optimiser=SGD(1.5),
        gamma=GAMMA,
        trace_decay=trace_decay,
        rollout=LENGTH,
        epochs=epochs,
        minibatches=minibatches,
        rewards=Scale(SCALE),
    )
    rows, next_obs = rollout()
    learner = agent.init(KEY, SPACES, LANES)
    table = np.array(learner.params, float)
    goals = targets(table, rows, trace_decay, bootstrap if isinstance(bootstrap, Munchausen) else None)
    share = 1.5 / (LENGTH * LANES // minibatches)
    for t in range(LENGTH):
        for lane in range(LANES):
            if not rows.last[t, lane]:
                place = 2 * t + lane, rows.action[t, lane]
                table[place] += (1 - (1 - share) ** epochs) * (goals[t, lane] - table[place])
    new, metrics = jax.jit(agent.learn)(learner, rows, next_obs, clock(), agent.draw(KEY, LANES))
    np.testing.assert_allclose(new.params, table, rtol=1e-5, atol=1e-5)
    final = rows.obs[rows.last].argmax(axis=-1)
    np.testing.assert_array_equal(new.params[final], learner.params[final])
    assert new.updates == metrics["updates"] == epochs * minibatches


def test_a_bootstrap_that_needs_a_target_network_is_refused() -> None:
    with pytest.raises(UserError, match="bootstrap = double needs a target network, and pqn has none"):
        validate(PQN(bootstrap=Double()))


def test_the_order_of_minibatches_is_drawn() -> None:
    """With momentum the order of the minibatches shows."""
    agent = PQN(network=LINEAR, optimiser=SGD(0.1, momentum=0.9), rollout=LENGTH, epochs=1, minibatches=12)
    rows, next_obs = rollout()
    learner = agent.init(KEY, SPACES, LANES)
    learn = jax.jit(agent.learn)
    orders = [agent.draw(jax.random.key(seed), LANES) for seed in (0, 0, 1)]
    one, same, other = (learn(learner, rows, next_obs, clock(), drawn)[0].params for drawn in orders)
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_every_epoch_sees_every_row_once() -> None:
    orders = np.asarray(PQN(rollout=LENGTH, epochs=5).draw(KEY, LANES).orders)
    assert orders.shape == (5, LENGTH * LANES)
    np.testing.assert_array_equal(np.sort(orders), np.tile(np.arange(LENGTH * LANES), (5, 1)))
    assert len({tuple(order) for order in orders.tolist()}) == 5


def test_update_is_public() -> None:
    """One sample, one step: Q(s, a) += alpha (target - Q(s, a))."""
    agent = PQN(network=LINEAR, optimiser=SGD(0.5), rollout=16)
    learner = agent.init(KEY, SPACES, 1)
    sample = Sample(one_hot([4], STATES), np.int32([2]), np.float32([3.0]), np.float32([1.0]))
    new, metrics = agent.update(learner, sample)
    old = float(learner.params[4, 2])
    expected = np.array(learner.params)
    expected[4, 2] += 0.5 * (3 - old)
    np.testing.assert_allclose(new.params, expected, rtol=1e-6)
    np.testing.assert_allclose([metrics["loss"], metrics["q"]], [0.5 * (3 - old) ** 2, old], rtol=1e-5)


def test_nothing_is_remembered() -> None:
    agent = PQN(network=LINEAR, rollout=16)
    learner = agent.init(KEY, SPACES, LANES)
    assert leaves_equal(agent.remember(learner, rollout()[0]), learner)
    assert leaves_equal(agent.cut(learner, np.array([1])), learner)


def test_minibatches_must_divide_the_rollout() -> None:
    agent = PQN(network=LINEAR, rollout=6, minibatches=4)
    agent.init(KEY, SPACES, 2)
    with pytest.raises(
        UserError, match=r"^agent\.minibatches = 4 does not divide rollout 6 x 3 lanes = 18 rows; "
    ) as error:
        agent.init(KEY, SPACES, 3)
    assert "\n" not in str(error.value)


def test_updates_and_returns_in_training() -> None:
    agent = PQN(network=LINEAR, rollout=16, epochs=2, minibatches=4, rewards=Scale(0.01))
    state, reports = train(compiled_engine(agent, lanes=4), 10)
    assert state.learner.updates == reports[-1][0].updates == 80
    episodes = reports[0][0].episodes
    np.testing.assert_array_equal(episodes.returns, episodes.lengths)


def test_greedy_without_exploration() -> None:
    agent: Any = PQN(network=LINEAR, exploration=EpsilonGreedy(Constant(0.0)))
    params = agent.init(KEY, SPACES, 1).params
    for obs in one_hot(range(STATES), STATES):
        action, _ = agent.act(params, (), obs, clock(), ((np.float32(0), np.uint32(1)), None))
        assert action == agent.greedy(params, (), obs)[0] == np.argmax(obs @ params)
