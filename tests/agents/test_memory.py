"""Memory in acting: in rows, evaluations of every kind, policies; the same on both engines, and resumed exactly."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import argmaxq as aq
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional
from argmaxq.environments.env import Env
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.copies import LocalCopies
from argmaxq.lanes.spaces import read_spaces
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.learning.experience import anew
from argmaxq.networks.recurrent import GRU, LSTM, Recurrent
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.training.engines.host import HostEngine
from argmaxq.training.evaluation import Evaluator, Played, greedy, play_episodes, play_lanes
from argmaxq.verbs.policy import Policy
from oracles.parts import leaves_equal
from oracles.recurrent import REMEMBERING, Fading
from support.runs import CARTPOLE, assert_same, crashed, killed_at
from support.tiers import slow
from support.trainer import ENGINES, train

HIDDEN = CompiledEnv(functional("argmaxq/CartPoleHidden-v0"), 500)
CHAIN = CompiledEnv(functional("argmaxq/MemoryChain-v0", {"length": 6}))
ID, SHORT = "argmaxq/MemoryChain-v0", {"length": 6}
SMALL: dict[str, Any] = {"burn_in": 4, "length": 12, "stride": 6, "n_step": 2, "batch_size": 8, "rollout": 6}
SEQUENCES = R2D2(network=Recurrent((16,), GRU(8)), replay=Prioritised(2_000), learning_starts=100, **SMALL)
AGENTS = {
    "gru": SEQUENCES,
    "lstm": aq.replace(SEQUENCES, {"replay": Uniform(2_000), "network.cell": LSTM(8)}),
    "pqn": RecurrentPQN(network=Recurrent((16,), GRU(8), layer_norm=True), rollout=16, epochs=2, minibatches=1),
}


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("gru", 8),
        slow("gru", 1),
        slow("lstm", 1),
        slow("lstm", 8),
        ("pqn", 1),
        slow("pqn", 8),
    ],
)
def test_both_engines_have_the_same_bits(name: str, lanes: int) -> None:
    (one, reports), (two, other) = (
        train(make(AGENTS[name], HIDDEN, lanes=lanes, seeds=(3,)), 80) for make in ENGINES.values()
    )
    assert one.learner.updates > 50
    assert leaves_equal((one.learner, one.memory, one.totals), (two.learner, two.memory, two.totals))
    assert reports[-1][0].metrics == other[-1][0].metrics
    assert one.episodes.finished > lanes


def test_rows_keep_what_was_remembered_before_them() -> None:
    """Each the network's from the row before it, and nothing after an episode's last row."""
    agent = R2D2(network=Fading(), replay=Uniform(400), learning_starts=10**6, burn_in=0, length=1, rollout=6)
    state, _ = train(ENGINES["compiled"](agent, HIDDEN, lanes=2), 30)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:180], state.learner.replay.rows)
    remember: Any = jax.vmap(lambda obs, memory: agent.network(state.learner.params, obs, memory)[1])
    after = jax.vmap(remember)(rows.obs, rows.before)
    expected = np.where(rows.last[..., None], 0, after)
    np.testing.assert_allclose(rows.before[1:], expected[:-1], atol=1e-6)
    np.testing.assert_allclose(state.memory, expected[-1], atol=1e-6)
    assert not rows.before[0].any()
    assert rows.last.sum() > 5
    assert np.abs(rows.before).max() > 0.01


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("limit", [25, 1_000])
def test_vector_environments_begin_each_episode_with_nothing_remembered(mode: AutoresetMode, limit: int) -> None:
    """In acting, and in looking back over the rows; an episode's end may have a last row or none."""
    makers = [partial(gym.make, "argmaxq/CartPoleHidden-v0", max_episode_steps=limit)] * 2
    lanes = VectorLanes(SyncVectorEnv(makers, autoreset_mode=mode))
    agent = R2D2(network=Fading(), replay=Uniform(400), learning_starts=10**6, burn_in=0, length=1, rollout=5)
    engine = HostEngine(agent, lanes, 0, lambda *_: Played(np.zeros(0)))
    state, _ = engine.run(engine.start(), 0, 20, 1_000)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:100], state.learner.replay.rows)
    unseen = rows.terminated[:-1] & ~rows.last[1:]
    over = rows.last[:-1] | unseen
    assert over.sum() > 3
    assert unseen.any() == (mode is not AutoresetMode.NEXT_STEP)
    assert not rows.before[1:][over].any()
    assert rows.before[1:][~over].any(axis=-1).all()
    for lane in range(2):
        own = jax.tree.map(lambda leaf, lane=lane: leaf[:, lane], rows)
        _, after = agent.unroll(agent.outputs, state.learner.params, own.before[0], own.obs[:-1], anew(own)[:-1], None)
        np.testing.assert_allclose(after, own.before[-1], atol=1e-6)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_stretch_of_a_vector_environment_is_looked_back_over_as_it_was_acted_in(mode: AutoresetMode) -> None:
    agent = RecurrentPQN(network=Fading(), rollout=56, minibatches=1, epochs=1)
    env = SyncVectorEnv([partial(gym.make, "argmaxq/CartPoleHidden-v0")] * 2, autoreset_mode=mode)
    engine = HostEngine(agent, VectorLanes(env), 0, lambda *_: Played(np.zeros(0)))
    state, _ = engine.run(engine.start(), 0, 1, 1_000)
    newest = state.learner.newest
    unroll = jax.vmap(partial(agent.unroll, agent.outputs), (None, 0, 0, 0, None))
    params = jnp.zeros((2, 2))
    assert (newest.over != newest.last).any() == (mode is not AutoresetMode.NEXT_STEP)
    _, after = unroll(params, newest.memory, newest.obs, newest.over, None)
    np.testing.assert_allclose(after, state.memory, atol=1e-6)


class TestEveryEpisodeBeginsWithAFreshMemory:
    """A policy that repeats the first bit it ever saw is right in each episode, and in half of them else."""

    def test_in_the_compiled_engine(self) -> None:
        engine = ENGINES["compiled"](REMEMBERING, CHAIN)
        (played,) = engine.evaluate(engine.start(), 64, 1)
        assert (played.returns == 1).all()

    @pytest.mark.parametrize("kind", ["functional", "copies", *AutoresetMode])
    def test_on_environments_of_any_kind(self, kind: Any) -> None:
        choose = greedy(REMEMBERING, jnp.zeros(1), CHAIN.spaces)
        if kind == "functional":
            evaluator = Evaluator(Env(ID, kwargs=SHORT))
            played = evaluator.play(choose, 64, [1])
            again = evaluator.play(choose, 40, [2])
            assert (again.returns == 1).all()
        elif kind == "copies":
            copies = LocalCopies(lambda: gym.make(ID, **SHORT), ())
            played = play_episodes(copies, range(5), choose, list(range(20)))
        else:
            made = SyncVectorEnv([partial(gym.make, ID, **SHORT)] * 3, autoreset_mode=kind)
            played = play_lanes(VectorLanes(made, ()), choose, 20, 1)
        assert (played.returns == 1).all()
        assert (played.success is None) == isinstance(kind, AutoresetMode)

    def test_by_a_policy_that_is_reset(self) -> None:
        env = gym.make(ID, **SHORT)
        policy = made(env)
        bits = set()
        for seed in range(8):
            obs, _ = env.reset(seed=seed)
            bits.add(float(obs[2]))
            policy.reset()
            assert episode(env, obs, policy) == 1
        assert bits == {-1, 1}
        obs = env.reset(seed=int(np.argmax([env.reset(seed=s)[0][2] for s in range(8)])))[0]
        policy.reset()
        policy(-obs)  # another bit than that of the coming episode, and no reset
        assert episode(env, obs, policy) == -1
        policy = pickle.loads(pickle.dumps(policy))
        assert episode(env, env.reset(seed=3)[0], policy) == 1


def made(env: Any) -> Policy:
    """The policy that repeats the first bit."""
    return Policy(REMEMBERING, jnp.zeros(1), read_spaces(env.observation_space, env.action_space, ()))


def episode(env: Any, obs: Any, policy: Any) -> float:
    over, reward = False, 0.0
    while not over:
        obs, reward, over, *_ = env.step(policy(obs))
    return float(reward)


def test_a_policys_memory_is_handed_in_and_out_alone_and_in_batches() -> None:
    policy = made(gym.make(ID, **SHORT))
    one, other, nothing = np.float32([1, 0, 1]), np.float32([1, 0, -1]), np.float32([0.5, 0, 0])
    action, memory = policy.step(one, policy.start())
    assert (action, memory) == (1, 1.0)
    assert policy.step(nothing, memory)[0] == 1
    assert policy(other) == 0  # its own memory is another one
    assert policy(nothing) == 0
    np.testing.assert_array_equal(policy.values(one)[:, None], [[1], [-1]])  # as the next one after that
    actions, memory = policy.step(np.stack([one, other]), policy.start(2))
    assert actions.tolist() == [1, 0]
    assert memory.tolist() == [1, -1]
    with pytest.raises(UserError, match=r"this is a batch of 2.*policy.reset\(\)"):
        policy(np.stack([one, other]))
    policy.reset()
    assert policy(np.stack([one, other])).tolist() == [1, 0]
    policy.reset([True, False])  # the first lane's episode is over
    assert policy(np.stack([other, one])).tolist() == [0, 0]
    with pytest.raises(UserError, match="this is one observation"):
        policy(one)


def test_a_policy_without_memory_takes_no_notice(cartpoles: aq.Run) -> None:
    policy, obs = cartpoles.parts[0].policy(), np.ones((2, 4), np.float32)
    assert policy.start() == policy.start(3) == ()
    policy.reset()
    assert policy.step(obs, ())[0].tolist() == policy(obs).tolist()
    policy.reset([True, False])
    assert policy(obs[0]) == policy(obs)[0]


def test_what_only_many_lanes_can_be_split_into_is_evaluated_in_one(tmp_path: Path) -> None:
    agent = aq.replace(AGENTS["pqn"], {"minibatches": 4})
    recipe = aq.replace(CARTPOLE, {"agent": agent, "env": Env("argmaxq/CartPoleHidden-v0", lanes=4)})
    run = aq.train(recipe, out=tmp_path / "run", steps=64)
    assert len(run.evaluate(episodes=2).returns) == 2
    assert run.policy()(np.zeros(2, np.float32)) in (0, 1)


@pytest.mark.parametrize(("name", "engine"), [("gru", "compiled"), ("gru", "host"), ("pqn", "host")])
def test_resumed_equals_uninterrupted(name: str, engine: str, tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"agent": AGENTS[name], "env": Env("argmaxq/CartPoleHidden-v0", lanes=2)})
    options: dict[str, Any] = {"engine": engine}
    reference = aq.train(recipe, out=tmp_path / "reference", **options)
    crashed(recipe, tmp_path / "run", 600, **options)
    with killed_at(tmp_path / "run", 1_400) as callbacks:
        aq.resume(tmp_path / "run", callbacks=callbacks)
    assert_same(aq.resume(tmp_path / "run"), reference)


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["gru", "lstm", "pqn"])
def test_a_short_chain_is_learnt(agent: str) -> None:
    own = aq.replace(AGENTS[agent], {"optimiser.learning_rate": 3e-3, "gamma": 0.97})
    state, _ = train(engine := ENGINES["compiled"](own, CHAIN, lanes=8), 600)
    (played,) = engine.evaluate(state, 100, 1)
    assert played.returns.mean() > 0.95
