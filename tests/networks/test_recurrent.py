"""Recurrent networks, and learning from sequences and rollouts, against plain code and the agents without memory."""

import dataclasses
import subprocess
import sys
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.rollouts import RolloutLearner
from argmaxq.agents.pqn import PQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double, Max
from argmaxq.learning.keys import axes, of_batch
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.returns import ImplicitQuantile, Quantile, Scalar, Squared
from argmaxq.learning.returns.transformed import Transformed
from argmaxq.learning.sync import Online
from argmaxq.networks.heads import Implicit
from argmaxq.networks.recurrent import GRU, LSTM, Recurrent
from argmaxq.replay import ring
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.storage import Whole
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, Spaces
from argmaxq.types import Batch, Row
from oracles.parts import LINEAR, clock, fold, rlax
from oracles.recurrent import SPACES, Fading, Forgetful, looked_back, story

SEQUENCE = R2D2(
    network=Fading(), returns=Transformed(), bootstrap=Double(), gamma=0.9, n_step=3, burn_in=4, length=9, eta=0.75
)
ENDS = {2: "truncated", 7: "terminated", 11: "truncated"}


@pytest.mark.parametrize("cell", [GRU(5), LSTM(5)], ids=["gru", "lstm"])
def test_a_network_unrolled_is_a_plain_loop(cell: Any) -> None:
    """Row by row, from the memory at hand, which begins anew after an episode's last row."""
    agent = R2D2(network=Recurrent((4,), cell, layer_norm=True), returns=Quantile(3))
    params = agent.network.init(jax.random.key(1), jnp.zeros(2), (3, 3))
    rows = story(9, {1: "terminated", 5: "truncated"})
    first = jax.tree.map(lambda leaf: leaf + 0.5, agent.memory(SPACES))
    estimates, after = jax.jit(partial(agent.unroll, agent.estimate))(params, first, rows.obs, rows.last, None)
    memory, call = first, jax.jit(agent.network.__call__)
    for t in range(9):
        z, memory = call(params, rows.obs[t], memory)
        np.testing.assert_allclose(estimates.z[t], z, atol=1e-6)
        np.testing.assert_allclose(estimates.q[t], z.mean(-1), atol=1e-6)
        memory = agent.network.start() if rows.last[t] else memory
    jax.tree.map(lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-6), after, memory)
    assert estimates.z.shape == (9, 3, 3)


@pytest.mark.parametrize("masked", [False, True])
def test_what_a_sequence_teaches_is_the_plain_computation(masked: bool) -> None:
    """Burn-in from the stored state, n-step double targets on Pohlen's scale, Huber's loss, no row past an end."""
    rows, before = story(16, ENDS), np.float32([0.3, -0.7])
    online, target = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    allowed = np.random.default_rng(2).permuted([[1, 1 - masked, 1 - masked]] * 16, axis=1).astype(np.float32)
    agent: Any = bind(SEQUENCE, dataclasses.replace(SPACES, masked=masked))
    stored = rows._replace(obs=np.hstack([rows.obs, allowed])) if masked else rows
    ours = jax.jit(agent.learnt)(online, target, stored._replace(before=before))
    here, held = (looked_back(weights, before, rows) for weights in (online, target))
    size, unsquash = rlax.signed_hyperbolic, rlax.signed_parabolic
    for i, t in enumerate(range(4, 13)):
        window = slice(t, t + 3)
        reward, discount, steps = fold(rows.reward[window], rows.terminated[window], rows.truncated[window], 0.9)
        best = np.where(allowed[t + steps], here[t + steps], -np.inf).argmax()
        goal = size(reward + discount * unsquash(jnp.float32(held[t + steps][best])))
        error = float(goal) - here[t][rows.action[t]]
        valid = not rows.last[t]
        assert ours.valid[i] == valid
        assert ours.td_error[i] == pytest.approx(error * valid, abs=1e-4)
        assert (
            ours.loss[i] == pytest.approx((min(0.5 * error**2, abs(error) - 0.5)) * valid, abs=1e-4) or abs(error) < 1
        )
        if abs(error) < 1:
            assert ours.loss[i] == pytest.approx(0.5 * error**2 * valid, abs=1e-4)
    errors = np.abs(ours.td_error[np.asarray(ours.valid)])
    assert SEQUENCE._surprise(ours) == pytest.approx(0.75 * errors.max() + 0.25 * errors.mean(), rel=1e-5)
    assert sum(np.asarray(ours.valid)) == 7


def test_gradients_go_back_to_the_first_step_after_the_burn_in_and_no_further() -> None:
    """Nor past an episode's beginning."""
    weights = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)

    def reach(ends: dict[int, str]) -> np.ndarray:
        rows: Row = jax.tree.map(jnp.asarray, story(16, ends)._replace(before=np.float32([0.3, -0.7])))

        def last_loss(obs: Any) -> Any:
            online = SEQUENCE.learnt(weights, jax.lax.stop_gradient(weights), rows._replace(obs=obs))
            return online.value[-1]

        return np.asarray(jnp.abs(jax.jit(jax.grad(last_loss))(rows.obs)).sum(axis=1) > 0)

    np.testing.assert_array_equal(reach({}), [False] * 4 + [True] * 9 + [False] * 3)
    np.testing.assert_array_equal(reach({7: "terminated"}), [False] * 9 + [True] * 4 + [False] * 3)


def test_sequences_of_one_row_without_memory_are_transitions() -> None:
    """R2D2's update of them is DQN's."""
    shared: dict[str, Any] = {"optimiser": SGD(0.1), "sync": Online(), "n_step": 3, "gamma": 0.9, "bootstrap": Double()}
    sequences = R2D2(network=Forgetful(), returns=Scalar(), burn_in=0, length=1, replay=Uniform(64), **shared)
    plain = DQN(network=LINEAR, replay=Uniform(64), **shared)
    rows = jax.tree.map(lambda leaf: leaf[:, None], story(40, {5: "terminated", 20: "truncated"}))
    stored = ring.append(plain.replay.init(SPACES, 1, 1), Whole(), rows, 64)
    slots = np.array([t for t in range(30) if not rows.last[t, 0]])
    whole = jax.vmap(lambda slot: ring.sequence(stored, Whole(), slot, 0, 4, 64))(slots)
    folded = jax.vmap(lambda slot: ring.window(stored, Whole(), slot, 0, 3, 0.9, 64))(slots)
    weight = np.linspace(0.1, 1, len(slots)).astype(np.float32)
    learner = plain.init(jax.random.key(0), SPACES, 1)
    results = [
        jax.jit(agent.update)(learner, Batch(drawn, weight, slots), clock())
        for agent, drawn in ((sequences, whole), (plain, folded))
    ]
    for (ours, errors, metrics), (theirs, their_errors, their_metrics) in [results]:
        np.testing.assert_allclose(ours.params, theirs.params, atol=1e-6)
        np.testing.assert_allclose(errors, np.abs(their_errors), atol=1e-5)
        assert metrics["loss"] == pytest.approx(float(their_metrics["loss"]), rel=1e-5)


def test_without_memory_recurrent_pqn_is_pqn() -> None:
    """On whole rollouts of all lanes, whatever the rows' order."""
    shared: dict[str, Any] = {"returns": Scalar(Squared()), "optimiser": SGD(0.1), "rollout": 12, "epochs": 2}
    rollout = [story(12, {3: "terminated", 8: "truncated"}, seed) for seed in range(3)]
    rows = jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *rollout)
    following, results = rows.obs[0], []
    for agent in (
        RecurrentPQN(network=Forgetful(), minibatches=1, **shared),
        PQN(network=LINEAR, minibatches=1, **shared),
    ):
        learner = agent.init(jax.random.key(0), SPACES, 3)
        drawn = agent.draw(jax.random.key(1), 3)
        results.append(jax.jit(agent.learn)(learner, rows, following, clock(), drawn))
    (ours, metrics), (theirs, their_metrics) = results
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-5)
    assert metrics["loss"] == pytest.approx(float(their_metrics["loss"]), rel=1e-5)
    assert not np.allclose(ours.params, learner.params)


def test_rollouts_are_looked_back_on_from_the_memory_that_they_began_with() -> None:
    """One-step targets of PQN with a memory, by plain code, the value after the last row included."""
    agent = RecurrentPQN(network=Fading(), trace_decay=0.0, gamma=0.9, rollout=10, minibatches=1)
    rows, weights = story(10, {4: "terminated"}), np.random.default_rng(2).normal(size=(2, 3)).astype(np.float32)
    before = np.float32(np.arange(20).reshape(10, 1, 2) / 10)  # only the first is where the rollout began
    lanes = jax.tree.map(lambda leaf: leaf[:, None], rows)._replace(before=before)
    following = np.float32([[0.4, 0.9]])
    ours = agent._stretches(RolloutLearner(weights, (), jnp.int32(0), ()), lanes, following, None)
    seen = Row(np.concatenate([rows.obs, following]), None, None, None, None, np.append(rows.last, False))
    q = looked_back(weights, before[0, 0], seen)
    expected = rows.reward + np.where(rows.terminated, 0, 0.9) * q[1:].max(axis=1)
    np.testing.assert_allclose(ours.target[0], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(ours.memory, before[0])


@aq.component(aq.RecurrentNetwork)
class RecurrentDice(Forgetful):
    """Action values that are noise times a weight."""

    random: ClassVar[bool] = True

    def __call__(self, params: Any, obs: Any, memory: Any, key: Any = None) -> Any:
        return params * (jnp.zeros((3, 1)) if key is None else jax.random.normal(key, (3, 1))), ()


def test_a_batch_of_sequences_shares_its_noise_and_each_look_has_its_own() -> None:
    """With errors of reward + max z' / 2 - z[action], of which one network's part is 0."""
    fields: dict[str, Any] = {"returns": Scalar(), "bootstrap": Max(), "gamma": 0.5, "n_step": 1}
    agent = R2D2(network=RecurrentDice(), burn_in=2, length=13, **fields)
    rows: Any = jax.tree.map(lambda *own: np.stack(own), story(16, {}, 1)._replace(before=()), story(16, {}, 2))
    action, reward = rows.action[:, 2:15], rows.reward[:, 2:15]

    def errors(online: float, target: float, keys: Any) -> Any:
        learnt = jax.vmap(agent.learnt, (None, None, 0, axes(keys)))(online, target, rows, keys)
        return learnt.td_error - reward

    keys = of_batch(jax.random.key(1), (2,))
    own, held = errors(1.0, 0.0, keys), errors(0.0, 1.0, keys)
    z = -np.array([np.mean(own[action == number]) for number in range(3)])
    np.testing.assert_allclose(own, -z[action], atol=1e-5)  # in all rows of both sequences
    np.testing.assert_allclose(held, held[0, 0], atol=1e-5)
    assert abs(held[0, 0] - z.max() / 2) > 1e-3
    assert not np.round(errors(1.0, 1.0, None), 5).any()


def test_each_row_of_a_sequence_has_levels_of_its_own() -> None:
    """Quantiles are learnt at so many levels, and those of acting's values are even."""
    agent: Any = R2D2(
        network=Recurrent((4,), GRU(5), head=Implicit(6)), returns=ImplicitQuantile(4, 3, 5), burn_in=2, length=9
    )
    params = agent.network.init(jax.random.key(0), jnp.zeros(2), (3, 1))
    rows, keys = story(11, {3: "terminated"}), of_batch(jax.random.key(1), ())
    z, _ = agent.unroll(agent.outputs, params, agent.memory(SPACES), rows.obs, rows.last, keys)
    estimate, _ = agent.unroll(agent.estimate, params, agent.memory(SPACES), rows.obs, rows.last, keys)
    assert (z.shape, estimate.z.shape, estimate.q.shape) == ((11, 3, 4, 2), (11, 3, 3, 2), (11, 3))
    assert len(np.unique(z[..., 1])) == 44
    (_, q), _ = agent.judged(params, agent.memory(SPACES), rows.obs[0])
    even, _ = agent.network(params, rows.obs[0], agent.memory(SPACES), None, (np.arange(5) + 0.5) / 5)
    np.testing.assert_allclose(q, even[..., 0].mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("kind", [Uniform, Prioritised])
def test_sampled_sequences_are_the_plain_models(kind: Any) -> None:
    """Whole rows of one lane in time order, with what was remembered before the first; every one that is there."""
    spaces, n, stride, lanes, chunk = Spaces(ArraySpec((), "int32"), SPACES.action), 5, 3, 2, 4
    replay, flags = kind(44), np.zeros((chunk, lanes), bool)
    state = replay.init(spaces, lanes, chunk + n, jnp.zeros(2))
    add = jax.jit(lambda state, rows: replay.add(state, rows, n, stride))
    sample = jax.jit(lambda state, bits: replay.sequences(state, bits, n, clock()))
    for number in range(15):
        times = np.arange(number * chunk, (number + 1) * chunk)[:, None] + np.zeros((1, lanes), int)
        memory = np.stack([times, np.zeros_like(times) + np.arange(lanes)], axis=-1).astype(np.float32)
        last = times % 7 == 0 if kind is Prioritised else flags
        rows = Row(times, times % 3, times.astype(np.float32), flags, flags, last, memory)
        state, written = add(state, rows), (number + 1) * chunk
        batch = sample(state, np.random.default_rng(number).integers(2**32, size=512, dtype=np.uint32))
        starts = range(max(0, written - 22), written - n)
        possible = {(t, lane) for t in starts for lane in range(lanes) if kind is Uniform or t % stride == 0}
        assert {
            (int(t), int(lane)) for (t, lane), w in zip(batch.transition.before, batch.weight, strict=True) if w
        } == possible
        if possible:
            np.testing.assert_array_equal(batch.transition.obs, batch.transition.before[:, :1] + np.arange(n))
            np.testing.assert_array_equal(batch.transition.reward, batch.transition.obs)
            marked = (batch.transition.obs % 7 == 0) & (kind is Prioritised)
            np.testing.assert_array_equal(batch.transition.last, marked)


def test_the_transformed_scale_is_pohlens() -> None:
    """h(3) = sqrt(4) - 1 + 0.003; and rlax's pair of functions."""
    returns, x = Transformed(), np.float32([-1e4, -30, -1, -1e-3, 0, 1e-3, 3, 500, 1e4])
    assert returns.compress(3.0) == pytest.approx(1.003)
    np.testing.assert_allclose(returns.compress(x), rlax.signed_hyperbolic(x), rtol=1e-6)
    np.testing.assert_allclose(returns.expand(returns.compress(x)), x, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        returns.mixture(returns.compress(x[[5, 6]])[:, None], np.float32([0.5, 0.5])),
        returns.compress(1.5005),
        rtol=1e-5,
    )
    assert returns.target(1.0, 0.5, returns.compress(np.float32([4.0]))) == pytest.approx(1.003, rel=1e-5)


def test_what_does_not_fit_is_refused_in_a_line() -> None:
    with pytest.raises(UserError, match="minibatches = 4 does not divide 6 lanes"):
        RecurrentPQN().init(jax.random.key(0), SPACES, 6)
    with pytest.raises(UserError, match="double needs a target network"):
        RecurrentPQN(bootstrap=Double()).check()
    with pytest.raises(UserError, match=r"capacity = 40 is too small: 1 lanes need at least 59 rows"):
        bind(dataclasses.replace(R2D2(), replay=Uniform(40)), SPACES).init(jax.random.key(0), SPACES, 1)


MANY_BEGIN = """
import jax, jax.numpy as jnp
from argmaxq.networks.recurrent import GRU, LSTM, Recurrent
from argmaxq.setup import device_per_core
device_per_core()
keys = jax.random.split(jax.random.key(0), 16)
for cell in (GRU(64), LSTM(64)):
    network = Recurrent((4,), cell)
    begin = jax.jit(jax.vmap(lambda key: network.init(key, jnp.zeros(2), (3, 1))))
    for _ in range(100):
        jax.block_until_ready(begin(keys))
"""


def test_many_seeds_begin() -> None:
    """LAPACK's factorisations of several batches would wait for each other for ever."""
    subprocess.run([sys.executable, "-c", MANY_BEGIN], timeout=300, check=True)
