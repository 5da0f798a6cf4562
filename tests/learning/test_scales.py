"""Running scales of observations and rewards, and averaged weights: what they are, and that nothing else moves them."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pdqn import PDQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.learning.normalisers import Moments, no_samples
from argmaxq.learning.rewards import Clip, Scale, Sign
from argmaxq.learning.rewards import Running as RunningRewards
from argmaxq.learning.sync import Online, Polyak
from argmaxq.networks.critics import Ensemble, MultiPass
from argmaxq.networks.inputs import Running
from argmaxq.networks.mlp import MLP
from argmaxq.networks.scaled import Scaled
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.runs import checkpoint
from argmaxq.spaces import ArraySpec, Spaces
from argmaxq.types import Row
from oracles.parts import LINEAR, clock, leaves_equal
from samples.hybrid_probes import AIMING
from support.runs import CARTPOLE, assert_same, crashed
from support.small_rows import KEY, SPACES, rows
from support.trainer import CARTPOLE as POLE
from support.trainer import ENGINES, outcome, plain, train

merge = jax.jit(Moments.merged)
SCALED = MLP((16,), inputs=Running())
FOLLOWED: dict[str, Any] = {"rewards": RunningRewards(), "average": Polyak(0.01)}
QUICK = DQN(network=SCALED, replay=Uniform(500), learning_starts=50, batch_size=16, n_step=2, **FOLLOWED)
PEER = PQN(network=SCALED, rollout=16, epochs=2, minibatches=4, **FOLLOWED)
HYBRID = PDQN(
    critic=Ensemble(MultiPass((16,), inputs=Running())),
    actor_network=SCALED,
    replay=Uniform(500),
    learning_starts=50,
    batch_size=16,
    **FOLLOWED,
)
STREAM = TD(network=SCALED, rewards=RunningRewards())


@given(st.lists(st.tuples(st.floats(-100, 100, width=32), st.booleans()), min_size=2, max_size=30), st.integers(1, 9))
def test_moments_of_parts_are_those_of_all_counted_samples(samples: list[tuple[float, bool]], size: int) -> None:
    moments, values = no_samples(), np.array([value for value, counted in samples if counted], np.float32)
    for first in range(0, len(samples), size):
        part, counted = map(np.array, zip(*samples[first : first + size], strict=True))
        moments = merge(moments, part.astype(np.float32), counted)
    assert moments.count == len(values)
    if len(values) > 1:
        np.testing.assert_allclose(moments.mean, values.mean(), rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(moments.deviation, values.std(ddof=1), rtol=1e-3, atol=0.05)


@pytest.mark.parametrize(
    ("agent", "env", "lanes", "iterations"),
    [(QUICK, POLE, 1, 150), (QUICK, POLE, 8, 60), (PEER, POLE, 8, 30), (HYBRID, AIMING, 2, 150)],
    ids=["dqn", "dqn-8", "pqn", "mp-dqn"],
)
def test_both_engines_have_the_same_bits_and_all_networks_the_same_scales(
    agent: Any, env: Any, lanes: int, iterations: int
) -> None:
    (one, reports), (two, other) = (train(make(agent, env, lanes), iterations) for make in ENGINES.values())
    assert leaves_equal(outcome(one), outcome(two))
    assert plain(reports) == plain(other)
    learner = one.learner
    steps = iterations * agent.rollout * lanes
    for network in (learner.params, learner.average, *([learner.target] if hasattr(learner, "target") else [])):
        for moments, online in zip(_moments(network), _moments(learner.params), strict=True):
            assert leaves_equal(moments, online)
            assert (np.asarray(moments.count) == steps).all()
    assert 0 < learner.rewards.moments.count <= steps
    assert not leaves_equal(learner.average, learner.params)


def _moments(tree: Any) -> list[Moments]:
    found = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Moments))
    return [each for each in found if isinstance(each, Moments)]


def test_the_scales_are_those_of_all_rows_and_the_loss_sees_them() -> None:
    """Rows far from 0; a network on running scales learns what a raw one does on rows scaled by hand."""
    agent, raw = DQN(network=MLP((5,), inputs=Running())), DQN(network=MLP((5,)))
    own = rows(50)
    own = own._replace(obs=50.0 + 3.0 * own.obs)
    learner = jax.jit(agent.remember)(agent.init(KEY, SPACES, 2), own)
    flat = own.obs.reshape(-1, own.obs.shape[-1])
    mean, deviation = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    (moments,) = _moments(learner.params)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(moments.deviation, deviation, rtol=1e-4)
    layers = {name: layer for name, layer in learner.params.items() if name != "scales"}
    for obs in flat[:5]:
        expected = raw.values(layers, (obs - mean) / deviation)
        np.testing.assert_allclose(agent.values(learner.params, obs), expected, rtol=1e-3, atol=1e-3)
    far = np.float32([1e6, -1e6, 50.0])
    np.testing.assert_allclose(
        agent.values(learner.params, far), raw.values(layers, np.r_[10.0, -10.0, (50.0 - mean[2]) / deviation[2]])
    )


def test_only_rows_move_the_scales() -> None:
    """Neither gradients, nor an optimiser that shrinks all weights, nor the target network's steps."""
    shrinking: Any = optax.adamw(0.1, weight_decay=0.5)
    agent = DQN(
        network=SCALED, optimiser=shrinking, sync=Polyak(0.3), learning_starts=0, updates=3, average=Polyak(0.3)
    )
    learner = agent.remember(agent.init(KEY, SPACES, 2), rows(50))
    after, _ = jax.jit(agent.learn)(learner, rows(4), rows(1).obs[0], clock(step=10**6), agent.draw(KEY, 2))
    before = _moments(learner.params)
    assert all(leaves_equal(_moments(tree), before) for tree in (after.params, after.target, after.average))
    assert not leaves_equal(after.params, learner.params)


def test_rewards_are_mapped_before_they_are_summed_and_scaled_after() -> None:
    """Returns of three steps; clipped or signed rewards are learnt as if the environment had given them so."""
    plain_agent = DQN(network=LINEAR, replay=Prioritised(100), n_step=3, learning_starts=0, batch_size=8)
    own = rows(50)
    own = own._replace(reward=3.0 * own.reward)

    def learnt(agent: Any, rows: Row) -> Any:
        learner = agent.remember(agent.init(KEY, SPACES, 2), rows)
        return jax.jit(agent.learn)(learner, rows, rows.obs[0], clock(step=10**6), agent.draw(KEY, 2))[0]

    for kind, mapped in (
        (Clip(-0.5, 1.0), np.clip(own.reward, -0.5, 1.0)),
        (Sign(), np.sign(own.reward)),
        (Scale(4.0), 4.0 * own.reward),
    ):
        ours = learnt(dataclasses.replace(plain_agent, rewards=kind), own)
        theirs = learnt(plain_agent, own._replace(reward=mapped))
        assert leaves_equal(ours.params, theirs.params), kind
        np.testing.assert_allclose(ours.replay.tree, theirs.replay.tree, rtol=1e-5)


def test_running_rewards_by_hand() -> None:
    """Discounted sums per lane, which an episode's end resets; rows of final observations do not count."""
    reward = np.float32([[1, 5], [2, 0], [4, 1], [0, 2]])
    over, last = np.zeros((2, 4, 2), bool)
    over[0, 1] = last[1, 1] = True
    flags = np.zeros_like(over)
    kind = RunningRewards()
    see = jax.jit(kind.see)
    state = kind.init(2)
    for part in (slice(0, 1), slice(1, 4)):  # in two parts
        own = Row(*(leaf[part] for leaf in (reward, reward, reward, over, flags, last)))
        state = see(state, own, np.float32(0.5))
    sums = [1, 2.5, 5.25, 2.625, 5, 1, 2.5]
    np.testing.assert_allclose(state.moments.deviation, np.std(sums, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(state.sums, [2.625, 2.5])
    np.testing.assert_allclose(kind.total(state, np.float32(3)), 3 / np.std(sums, ddof=1), rtol=1e-5)


def test_an_average_by_hand_and_of_no_memory() -> None:
    agent = DQN(network=LINEAR, learning_starts=0, average=Polyak(0.25))
    learner = agent.remember(agent.init(KEY, SPACES, 2), rows(50))
    expected = np.array(learner.params, float)
    step = jax.jit(agent.learn)
    for number in range(3):
        learner, _ = step(learner, rows(4), rows(1).obs[0], clock(step=10**6), agent.draw(jax.random.key(number), 2))
        expected = 0.75 * expected + 0.25 * np.array(learner.params, float)
    np.testing.assert_allclose(agent.policy(learner), expected, rtol=1e-5)
    for plainly in (Online(), Polyak(1.0)):
        same = dataclasses.replace(agent, average=plainly)
        start = same.remember(same.init(KEY, SPACES, 2), rows(50))
        after, _ = jax.jit(same.learn)(start, rows(4), rows(1).obs[0], clock(step=10**6), same.draw(KEY, 2))
        assert leaves_equal(same.policy(after), after.params)


AVERAGED = aq.replace(
    CARTPOLE,
    {
        "agent.network.inputs": "running",
        "agent.rewards": "running",
        "agent.average": "polyak",
        "agent.average.tau": 0.05,
        "steps": 1_500,
    },
)


def test_a_run_resumes_exactly_and_its_policies_are_averaged_and_frozen(tmp_path: Path) -> None:
    reference = aq.train(AVERAGED, out=tmp_path / "reference")
    crashed(AVERAGED, tmp_path / "run", 600)
    assert_same(aq.resume(tmp_path / "run"), reference)
    state = checkpoint.load(reference.checkpoint(1500))[0]
    last = reference.arrays("last")
    for name, array in last.items():
        np.testing.assert_array_equal(array, state[f"engine/learner/average/{name}"])
    assert not np.array_equal(last["output/kernel"], state["engine/learner/params/output/kernel"])
    assert reference.arrays(1500).keys() == last.keys()
    policy = aq.load(reference.path, "last")
    assert float(last["scales/moments/count"]) == 1_500
    policy(np.float32([9, 9, 9, 9]))
    assert leaves_equal(policy.params["scales"]["moments"].count, np.float32(1_500))
    warm = aq.train(AVERAGED, start_from=reference, steps=100, out=tmp_path / "warm")
    for name, array in reference.arrays("best").items():
        np.testing.assert_array_equal(array, warm.arrays("start")[name])


def test_a_table_takes_rewards_as_they_are_mapped() -> None:
    """TD's rows learn from clipped rewards as if the environment had given them so; moments are taken up."""
    own = rows(6)
    results = []
    for agent, given_rows in (
        (TD(network=LINEAR, rewards=Clip(-0.5, 0.5), rollout=6), own),
        (TD(network=LINEAR, rollout=6), own._replace(reward=np.clip(own.reward, -0.5, 0.5))),
    ):
        learner = agent.remember(agent.init(KEY, SPACES, 2), given_rows)
        results.append(jax.jit(agent.learn)(learner, given_rows, own.obs[0], clock(), ())[0].params)
    assert leaves_equal(*results)
    stream = STREAM.remember(STREAM.init(KEY, SPACES, 2), own)
    after, _ = jax.jit(dataclasses.replace(STREAM, rollout=6).learn)(stream, own, own.obs[0], clock(), ())
    assert [float(moments.count) for moments in _moments(after.params.estimates)] == [12.0]
    assert leaves_equal(_moments(after.params.estimates), _moments(stream.params.estimates))
    assert float(after.rewards.moments.count) == 12.0
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(after.params))


def test_a_network_of_ones_own_sees_running_scales() -> None:
    """On a linear function; an index, which has no scale, it sees as it would without."""
    agent: Any = DQN(network=Scaled(LINEAR))
    own = rows(50)
    learner = agent.remember(agent.init(KEY, SPACES, 2), own._replace(obs=50.0 + 3.0 * own.obs))
    flat = own.obs.reshape(-1, own.obs.shape[-1])
    expected = (flat[7] - flat.mean(axis=0)) / flat.std(axis=0, ddof=1) @ learner.params["network"]
    np.testing.assert_allclose(agent.values(learner.params, 50.0 + 3.0 * flat[7]), expected, rtol=1e-3, atol=1e-4)
    index = Spaces(ArraySpec((), "int32", categories=5), SPACES.action)
    assert bind(Scaled(MLP()), index) == bind(MLP(), index)
