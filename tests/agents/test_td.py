"""Temporal-difference agents against a plain Python model of the textbook, and against each other."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.agents import td
from argmaxq.agents.dqn import DQN
from argmaxq.agents.td import TD
from argmaxq.components.component import bind, traced
from argmaxq.components.errors import UserError
from argmaxq.environments.source import compiled
from argmaxq.learning.exploration import EpsilonGreedy, Greedy
from argmaxq.learning.normalisers import Running
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.learning.sync import Online
from argmaxq.learning.td.backups import DoubleQLearning, ExpectedSarsa, QLearning, Sarsa
from argmaxq.learning.td.step_sizes import OvershootBounded, Scheduled, VisitCount
from argmaxq.learning.td.traces import Accumulating, Dutch, Replacing
from argmaxq.networks.features import Tiles
from argmaxq.networks.linear import Linear as LinearNetwork
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.types import START, Batch, Row, Transition
from oracles.parts import leaves_equal
from oracles.td import (
    ACTIONS,
    ALPHA,
    BASE,
    GAMMA,
    LAMBDA,
    SPACES,
    STATES,
    Episode,
    episodes,
    learnt,
    table,
    textbook,
    traced_textbook,
)
from support.trainer import ENGINES, train

BACKUPS = {"q-learning": QLearning(), "sarsa": Sarsa(), "expected-sarsa": ExpectedSarsa()}


@settings(max_examples=5)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 3, 5]))
@pytest.mark.parametrize("kind", BACKUPS)
def test_n_step_control_is_the_textbooks(kind: str, seed: int, n: int) -> None:
    found = episodes(seed)
    learner = learnt(dataclasses.replace(BASE, backup=BACKUPS[kind], n_step=n), found)
    np.testing.assert_allclose(table(learner), textbook(kind, found, n), atol=2e-6)
    assert int(learner.updates) == sum(len(episode.rewards) for episode in found)


def test_double_learning_is_the_textbooks() -> None:
    found = episodes(1, 40)
    q, row = np.zeros((2, STATES, ACTIONS)), 0
    for states, actions, rewards, terminated in found:
        for t, reward in enumerate(rewards):
            own, other = (q[0], q[1]) if row % 2 == 0 else (q[1], q[0])
            going = t + 1 < len(rewards) or not terminated
            value = other[states[t + 1], np.argmax(own[states[t + 1]])] if going else 0.0
            own[states[t], actions[t]] += ALPHA * (reward + GAMMA * value - own[states[t], actions[t]])
            row += 1
        row += 1
    learner = learnt(dataclasses.replace(BASE, backup=DoubleQLearning()), found)
    for number in range(2):
        np.testing.assert_allclose(table(learner, number), q[number], atol=2e-6)
    values = bind(BASE, SPACES).values(learner.params, jnp.int32(3))
    np.testing.assert_allclose(values, q.mean(axis=0)[3], atol=2e-6)


TRACES = {"accumulating": Accumulating, "replacing": Replacing, "dutch": Dutch}
CASES = [
    *[("sarsa", trace, "never") for trace in TRACES],
    *[("expected-sarsa", trace, "never") for trace in TRACES],
    *[("q-learning", trace, "watkins") for trace in TRACES],
    ("q-learning", "accumulating", "peng"),
    ("q-learning", "replacing", "peng"),
]


@pytest.mark.parametrize(("kind", "trace", "cut"), CASES)
def test_traces_are_the_textbooks(kind: str, trace: str, cut: Any) -> None:
    agent = dataclasses.replace(BASE, backup=BACKUPS[kind], traces=TRACES[trace](LAMBDA, cut))
    for seed in range(3):
        found = episodes(seed)
        learner = learnt(agent, found)
        np.testing.assert_allclose(table(learner), traced_textbook(kind, trace, cut, found), atol=5e-6)
        assert not np.asarray(learner.trails.trace["weights"]).any()  # the last episode is over


def test_traces_of_lambda_0_change_nothing() -> None:
    found = episodes(3)
    for kind in BACKUPS:
        plain = learnt(dataclasses.replace(BASE, backup=BACKUPS[kind]), found)
        for trace in TRACES.values():
            with_trace = learnt(dataclasses.replace(BASE, backup=BACKUPS[kind], traces=trace(0.0)), found)
            np.testing.assert_allclose(table(with_trace), table(plain), atol=1e-6)


def test_long_n_steps_and_lambda_1_are_monte_carlo() -> None:
    """Offline, with one visit per pair, both give the return."""
    episode = Episode([0, 1, 2, 3, 4], [0, 1, 2, 0, 0], [1.0, -2.0, 3.0, 0.5], True)
    returns = [sum(GAMMA**i * r for i, r in enumerate(episode.rewards[t:])) for t in range(4)]
    whole = dataclasses.replace(BASE, backup=Sarsa(), step_size=Scheduled(Constant(1.0)))
    for agent in (dataclasses.replace(whole, n_step=9), dataclasses.replace(whole, traces=Accumulating(1.0))):
        found = table(learnt(agent, [episode]))
        np.testing.assert_allclose([found[t, episode.actions[t]] for t in range(4)], returns, atol=1e-6)


@pytest.mark.parametrize(
    "agent",
    [
        BASE,
        dataclasses.replace(BASE, backup=Sarsa(), n_step=3),
        dataclasses.replace(BASE, traces=Replacing(0.9, "watkins")),
        dataclasses.replace(BASE, backup=DoubleQLearning()),
    ],
)
def test_rows_may_come_one_by_one_or_many_at_once(agent: TD) -> None:
    found = episodes(5, 30)
    learners = [learnt(agent, found, rollout, multiple=12) for rollout in (1, 4, 6)]
    for other in learners[1:]:
        assert leaves_equal(other.params, learners[0].params)


def test_steps_by_visits_make_averages() -> None:
    """With one-step episodes and alpha 1/n, values are the means of the rewards seen."""
    random = np.random.default_rng(0)
    found = [
        Episode([int(random.integers(2)), 5], [int(random.integers(ACTIONS)), 0], [float(random.normal())], True)
        for _ in range(60)
    ]
    q = table(learnt(dataclasses.replace(BASE, step_size=VisitCount()), found))
    for state in range(2):
        for action in range(ACTIONS):
            seen = [e.rewards[0] for e in found if (e.states[0], e.actions[0]) == (state, action)]
            assert abs(q[state, action] - np.mean(seen)) < 1e-5


@given(st.floats(0.01, 1), st.floats(1, 1000), st.floats(0, 1), st.integers(0, 500))
def test_visit_counts_follow_their_formula(initial: float, scale: float, power: float, before: int) -> None:
    network, obs, action = bind(Table(), SPACES), jnp.int32(2), jnp.int32(1)
    schedule = VisitCount(initial, scale, power, 0.001)
    counts = network.moved(network.init(jax.random.key(0), obs, (3, 1)), obs, action, jnp.float32(before))
    found = float(schedule.size(counts, network, obs, action, START))
    assert math.isclose(found, max(0.001, initial * (scale / (scale + before)) ** power), rel_tol=1e-4)
    assert float(schedule.size(counts, network, obs, jnp.int32(0), START)) == np.float32(max(0.001, initial))


@pytest.mark.parametrize(("alpha", "gamma", "tolerance"), [(0.25, 0.5, 0.0), (0.1, 0.99, 2e-7)])
def test_a_table_trained_by_dqn_is_the_textbooks(alpha: float, gamma: float, tolerance: float) -> None:
    """The gradient of 1/2 delta^2 on a table is the update: bit for bit where no product is rounded."""
    dqn = DQN(Table(), Scalar(Squared()), sync=Online(), optimiser=SGD(alpha), gamma=gamma, batch_size=1)
    dqn = traced(bind(dqn, SPACES))
    td = TD(step_size=Scheduled(Constant(alpha)), gamma=gamma)
    td = traced(bind(td, SPACES))
    learner, other = dqn.init(jax.random.key(0), SPACES, 1), td.init(jax.random.key(0), SPACES, 1)
    update, learn = jax.jit(dqn.update), jax.jit(td.learn)
    random, q = np.random.default_rng(0), np.zeros((STATES, ACTIONS), np.float32)
    for _ in range(500):
        s, s2, a = (np.int32(random.integers(n)) for n in (STATES, STATES, ACTIONS))
        reward, over = np.float32(random.normal()), random.random() < 0.1
        target = reward + np.float32(0.0 if over else gamma) * q[s2].max()
        q[s, a] += np.float32(alpha) * (target - q[s, a])
        discount = np.float32(0.0 if over else gamma)
        batch = Batch(
            Transition(*(np.array([x]) for x in (s, a, reward, discount, s2))),
            np.ones(1, np.float32),
            np.zeros(1, np.int32),
        )
        learner, _, _ = update(learner, batch)
        row = Row(*(np.array([[x]]) for x in (s, a, reward, over, False, False)))
        other, _ = learn(other, row, np.array([s2]), START, ())
        for found in (np.asarray(learner.params["weights"])[..., 0], table(other)):
            if tolerance:
                np.testing.assert_allclose(found, q, atol=tolerance * max(1, np.abs(q).max()), rtol=0)
            else:
                np.testing.assert_array_equal(found, q)
        q = table(other).copy()
        learner = learner._replace(
            params={"weights": jnp.asarray(q)[..., None]}, target={"weights": jnp.asarray(q)[..., None]}
        )


LAKE = compiled(aq.Env("FrozenLake-v1"))
CAR = compiled(aq.Env("MountainCar-v0"))
EXPLORING = EpsilonGreedy(Linear(1.0, 0.1, 2_000))
ALIKE = {
    "q-learning": (TD(exploration=EXPLORING), LAKE, 1),
    "lanes": (TD(exploration=EXPLORING, step_size=VisitCount()), LAKE, 3),
    "sarsa": (TD(exploration=EXPLORING, backup=Sarsa(), n_step=3), LAKE, 2),
    "double": (TD(exploration=EXPLORING, backup=DoubleQLearning()), LAKE, 1),
    "expected": (TD(exploration=EXPLORING, backup=ExpectedSarsa(), rollout=4), LAKE, 1),
    "watkins": (TD(exploration=EXPLORING, traces=Replacing(0.9, "watkins")), LAKE, 1),
    "tiles": (TD(LinearNetwork(Tiles(8)), Sarsa(), EXPLORING, Scheduled(Constant(0.05)), Dutch()), CAR, 1),
    "stream": (TD(MLP((8,)), QLearning(), EXPLORING, OvershootBounded(), Accumulating(0.8), Running()), CAR, 1),
}


@pytest.mark.parametrize("name", ALIKE)
def test_compiled_and_host_are_the_same(name: str) -> None:
    agent, env, lanes = ALIKE[name]
    assert env is not None
    (one, _), (two, _) = (train(make(agent, env, lanes, (3,)), 1_500) for make in ENGINES.values())
    assert one.learner.updates > 1_000
    if name == "stream":  # sums over a network's parameters are added up in another order
        assert leaves_equal(one.episodes, two.episodes)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), one.learner, two.learner)
    else:
        assert leaves_equal((one.learner, one.episodes), (two.learner, two.episodes))


@pytest.mark.parametrize("name", [name for name, (agent, *_) in ALIKE.items() if agent.light])
def test_a_seed_of_a_light_agent_learns_in_company_what_it_learns_alone(name: str) -> None:
    agent, env, lanes = ALIKE[name]
    together, reports = train(ENGINES["compiled"](agent, env, lanes, (3, 5, 7)), 600)
    alone, (own,) = train(ENGINES["compiled"](agent, env, lanes, (5,)), 600)
    assert leaves_equal(jax.tree.map(lambda leaf: leaf[1], together.learner), alone.learner)
    assert reports[0][1].updates == own[0].updates > 400
    assert not leaves_equal(jax.tree.map(lambda leaf: leaf[0], together.learner), alone.learner)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (TD(n_step=2, traces=Accumulating()), "n_step 1"),
        (TD(backup=DoubleQLearning(), traces=Accumulating()), "single estimate"),
        (TD(traces=Dutch(0.9, "peng")), "not defined"),
        (TD(step_size=OvershootBounded()), "bounds traces"),
    ],
)
def test_parts_that_do_not_go_together_are_said(agent: TD, words: str) -> None:
    with pytest.raises(UserError, match=words):
        aq.replace(aq.Recipe(), "agent", agent)


@pytest.mark.parametrize("name", ["sarsa", "double"])
def test_updates_made_in_a_loop_have_the_bits_of_those_written_out(name: str, monkeypatch: Any) -> None:
    agent, env, lanes = ALIKE[name]
    agent, learners = dataclasses.replace(agent, n_step=5), []
    for written_out in (0, 100):
        monkeypatch.setattr(td, "WRITTEN_OUT", written_out)
        state, _ = train(ENGINES["compiled"](agent, env, lanes, (3,)), 1_000)
        learners.append(state.learner)
    assert learners[0].updates > 700
    assert leaves_equal(*learners)


def test_visits_cannot_be_counted_without_a_table() -> None:
    agent = TD(MLP((4,)), step_size=VisitCount())
    with pytest.raises(UserError, match="counts a table's entries"):
        bind(agent, SPACES).init(jax.random.key(0), SPACES, 1)


def test_probabilities_are_those_of_the_choices() -> None:
    q = jnp.array([0.5, 2.0, 2.0])
    for exploration in (Greedy(), EpsilonGreedy(Constant(0.3))):
        noise = exploration.noise(jax.random.key(0), (20_000,))
        chosen = jax.vmap(lambda each, e=exploration: e.choose(q, START, each), axis_size=20_000)(noise)
        shares = np.bincount(np.asarray(chosen), minlength=3) / 20_000
        np.testing.assert_allclose(exploration.probabilities(q, START), shares, atol=0.01)
