"""Both engines are the same, bit for bit; blocks, seeds and swept numbers change what they should and no more."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from jax.experimental.compilation_cache import compilation_cache

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.environments.env import Env
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.learning.bootstrap import Double, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.returns import ImplicitQuantile
from argmaxq.learning.schedules import Constant, Multiplicative
from argmaxq.learning.sync import Periodic
from argmaxq.networks.heads import Dueling, Implicit
from argmaxq.networks.layers import Noisy
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent
from argmaxq.runs.report import Report
from argmaxq.training.engines.host import HostEngine
from argmaxq.training.evaluation import Evaluator, Played
from oracles.parts import leaves_equal
from support.tiers import slow
from support.trainer import CARTPOLE, ENGINES, compiled_engine, outcome, plain, train

SMALL = MLP((16,))
UNIFORM = DQN(network=MLP((32, 32)), replay=Uniform(3_000), learning_starts=100)
RICH = DQN(
    network=MLP((32,), head=Dueling()),
    bootstrap=Double(),
    replay=Prioritised(3_000),
    n_step=3,
    learning_starts=100,
    exploration=EpsilonGreedy(Multiplicative(per="episode")),
)
PEER = PQN(network=MLP((32,), layer_norm=True), rollout=16, epochs=2, minibatches=4)
MODERN = dataclasses.replace(
    RICH,
    network=MLP((16,), head=Implicit(8, Dueling(Noisy())), layer=Noisy()),
    returns=ImplicitQuantile(4, 3, 5),
    bootstrap=Munchausen(),
)
DRAWING_PEER = dataclasses.replace(PEER, network=MODERN.network, returns=MODERN.returns, bootstrap=Munchausen())
AGENTS = {"dqn": UNIFORM, "rich": RICH, "pqn": PEER, "modern": MODERN, "pqn-modern": DRAWING_PEER}
QUICK = DQN(network=SMALL, replay=Uniform(500), learning_starts=50, batch_size=16)


def episodes(reports: list[list[Report]], seed: int = 0) -> list[Any]:
    """All episodes that ended, whatever the blocks: (step, return, length)."""
    return [end for block in reports for end in zip(*[leaf.tolist() for leaf in block[seed].episodes], strict=True)]


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        slow("dqn", 1),
        ("dqn", 8),
        ("rich", 8),
        ("pqn", 8),
        ("modern", 8),
        slow("modern", 1),
        slow("pqn-modern", 8),
        slow("rich", 1),
        slow("pqn", 1),
        slow("pqn", 3),
    ],
)
def test_compiled_and_host_are_the_same_after_2000_updates(name: str, lanes: int) -> None:
    agent: Any = AGENTS[name]
    peer = isinstance(agent, PQN)
    per_iteration = agent.epochs * agent.minibatches if peer else agent.updates
    iterations = 2_000 // per_iteration + (0 if peer else 100 // (agent.rollout * lanes))
    (one, reports), (two, other) = (
        train(make(agent, lanes=lanes, seeds=(3,)), iterations) for make in ENGINES.values()
    )
    assert one.learner.updates >= 2_000
    assert len(episodes(reports)) > 20
    assert leaves_equal(outcome(one), outcome(two))
    assert plain(reports) == plain(other)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(one.learner.params))


@pytest.mark.parametrize("engine", ENGINES)
def test_blocks_of_any_size_give_the_same_bits(engine: str) -> None:
    runs = [train(ENGINES[engine](QUICK, lanes=2), 150, block) for block in (150, 1, 7, 64)]
    for state, reports in runs[1:]:
        assert leaves_equal(outcome(state)[:2], outcome(runs[0][0])[:2])
        assert episodes(reports) == episodes(runs[0][1])
        assert reports[-1][0].updates == runs[0][1][-1][0].updates
    assert ENGINES[engine](QUICK, lanes=2).length > 150


@pytest.mark.parametrize("engine", ENGINES)
def test_a_seed_decides_everything(engine: str) -> None:
    (one, reports), (same, again), (other, _) = (
        train(ENGINES[engine](QUICK, lanes=2, seeds=(seed,)), 100) for seed in (5, 5, 6)
    )
    assert leaves_equal(outcome(one), outcome(same))
    assert plain(reports) == plain(again)
    different = jax.tree.map(lambda a, b: bool((a != b).any()), one.learner, other.learner)
    assert different.params
    assert all(jax.tree.leaves(different.params))
    assert different.replay.rows.obs


def test_lanes_are_not_copies_of_each_other() -> None:
    state, _ = train(compiled_engine(QUICK, lanes=2), 50)
    obs, action = np.asarray(state.learner.replay.rows.obs), np.asarray(state.learner.replay.rows.action)[:200]
    assert not np.allclose(obs[0, 0], obs[0, 1])
    assert 0.3 < np.mean(action[:, 0] == action[:, 1]) < 0.7


def test_rows_are_one_story() -> None:
    """In the replay every step follows from the row before it, and an episode's end is followed by its last row."""
    state, reports = train(compiled_engine(QUICK, lanes=2), 50)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:200], state.learner.replay.rows)
    ended = rows.terminated | rows.truncated
    np.testing.assert_array_equal(rows.last[1:], ended[:-1])
    assert (rows.reward == ~rows.last).all()
    assert ended.sum() == len(episodes(reports)) > 5
    position, velocity = rows.obs[..., 0], rows.obs[..., 1]
    moved = position[:-1] + 0.02 * velocity[:-1]
    alive = ~rows.last[:-1]
    np.testing.assert_allclose(position[1:][alive], moved[alive], atol=1e-6)
    assert not np.allclose(position[1:][~alive], moved[~alive], atol=1e-6)


def seed_of(state: Any, position: int) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf)[position], outcome(state))


@pytest.mark.parametrize("agent", [QUICK, slow(dataclasses.replace(PEER, network=SMALL))], ids=["dqn", "pqn"])
def test_groups_of_any_width_agree(agent: Agent) -> None:
    """A seed has the same bits in a group of 2, of 4 and of 5, wherever it stands in it."""
    groups = [(1, 0), (0, 1, 2, 3), (0, 1, 2, 3, 4)]
    runs = [train(compiled_engine(agent, lanes=2, seeds=seeds), 60) for seeds in groups]
    everything, all_reports = runs[-1]
    for (state, reports), seeds in zip(runs, groups, strict=True):
        assert len(reports[0]) == len(seeds)
        for position, seed in enumerate(seeds):
            assert leaves_equal(seed_of(state, position), seed_of(everything, seed))
            assert plain(reports, position) == plain(all_reports, seed)
    params = np.asarray(everything.learner.params["output"]["kernel"])
    assert all(not np.allclose(params[i], params[j]) for i in range(5) for j in range(i))


def test_a_seed_in_a_group_is_the_seed_alone() -> None:
    """Not bit for bit, but before rounding has grown: the same first parameters, actions and episodes."""
    alone, few = train(compiled_engine(QUICK, lanes=2, seeds=(1,)), 30)
    group, many = train(compiled_engine(QUICK, lanes=2, seeds=(0, 1)), 30)
    assert episodes(few) == episodes(many, 1)
    for one, other in zip(jax.tree.leaves(alone.learner.params), jax.tree.leaves(group.learner.params), strict=True):
        np.testing.assert_allclose(one, np.asarray(other)[1], atol=1e-4)


def test_an_engine_gives_the_parameters_of_each_seed() -> None:
    engine = compiled_engine(QUICK, lanes=2, seeds=(0, 1, 2))
    state, _ = train(engine, 5)
    for position in range(3):
        whole = jax.tree.map(lambda leaf, i=position: np.asarray(leaf)[i], state.learner.params)
        assert leaves_equal(engine.params(state, position), whole)
    assert [played.returns.shape for played in engine.evaluate(state, 6, 0)] == [(6,)] * 3


SWEPT = {
    "agent.optimiser.learning-rate": 0.01,
    "agent.optimiser.max-grad-norm": 1.0,
    "agent.gamma": 0.9,
    "agent.exploration.epsilon.value": 0.5,
    "agent.sync.period": 7,
    "agent.replay.capacity": 100,
    "agent.learning-starts": 20,
    "agent.rewards.factor": 2,
}


@pytest.fixture
def compiled_programs(tmp_path: Path) -> Iterator[list[str]]:
    """One entry for each program compiled in this test because an empty cache, its own, did not have it."""
    own = {
        "jax_compilation_cache_dir": str(tmp_path),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in own}
    missed: list[str] = []

    def listen(event: str, **_: Any) -> None:
        if event == "/jax/compilation_cache/cache_misses":
            missed.append(event)

    def use(settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()

    use(own)
    jax.monitoring.register_event_listener(listen)
    yield missed
    jax.monitoring.unregister_event_listener(listen)
    use(before)


@pytest.mark.parametrize(
    ("engine", "seeds", "changes"),
    [
        ("compiled", (0,), [{path: value} for path, value in SWEPT.items()]),
        slow("compiled", (0, 1), [SWEPT]),
        ("host", (0,), [SWEPT]),
    ],
    ids=["compiled", "group", "host"],
)
def test_swept_numbers_compile_nothing(
    compiled_programs: list[str], engine: str, seeds: tuple[int, ...], changes: list[dict[str, Any]]
) -> None:
    """A new engine with another learning rate, gamma, period or capacity finds its programs; yet all of them matter."""
    agent = dataclasses.replace(
        QUICK, replay=Uniform(500, allocation=500), exploration=EpsilonGreedy(Constant(0.25)), sync=Periodic(20)
    )
    recipe = aq.replace(aq.Recipe(agent=agent), {"agent.optimiser.max-grad-norm": 10.0})

    def parameters(agent: Agent) -> Any:
        return train(ENGINES[engine](agent, lanes=2, seeds=seeds), 60)[0].learner.params

    first = parameters(recipe.agent)
    compiled = len(compiled_programs)
    for change in changes:
        assert not leaves_equal(parameters(aq.replace(recipe, change).agent), first), change
        assert len(compiled_programs) == compiled, change
    assert compiled > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_and_blocks_in_reports(engine: str) -> None:
    """A report's step counts env steps of all lanes; the last episode ended no later than that."""
    state, reports = train(ENGINES[engine](QUICK, lanes=2), 45, block=15)
    assert [block[0].step for block in reports] == [120, 240, 360]
    ends = episodes(reports)
    assert all(step % 2 == 0 and step <= 360 for step, _, _ in ends)
    assert [step for step, _, _ in ends] == sorted(step for step, _, _ in ends)
    assert int(state.episodes.finished) == len(ends)
    final_rows = sum(step < 360 for step, _, _ in ends)  # each end but one in the last row is followed by a last row
    assert sum(length for _, _, length in ends) + int(np.sum(state.episodes.lengths)) + final_rows == 360


def test_time_limits_truncate() -> None:
    short = dataclasses.replace(CARTPOLE, time_limit=5)
    state, reports = train(compiled_engine(QUICK, short), 50)
    rows = state.learner.replay.rows
    assert {length for _, _, length in episodes(reports)} == {5}
    assert rows.truncated.sum() == len(episodes(reports))
    assert not rows.terminated.any()


@pytest.mark.parametrize("mode", AutoresetMode)
def test_returns_of_vector_environments_are_whole(mode: AutoresetMode) -> None:
    """Of training, where one step may not be learnt from, and of evaluations; nothing else is told of it."""

    def made() -> SyncVectorEnv:
        return SyncVectorEnv([partial(gym.make, "MountainCar-v0", max_episode_steps=7)] * 2, autoreset_mode=mode)

    engine = HostEngine(
        dataclasses.replace(UNIFORM, replay=Uniform(200)), VectorLanes(made()), 0, lambda *_: Played(np.zeros(0))
    )
    state, reports = train(engine, 20)
    assert {(value, length) for _, value, length in episodes(reports)} == {(-7.0, 7)}
    rows = jax.tree.map(np.asarray, state.learner.replay.rows)
    assert not rows.reward[rows.last].any()
    assert rows.last.any()
    evaluator = Evaluator(Env(made))
    played = evaluator.play(lambda obs, begins: np.zeros(len(obs), np.int32), 6, [0])
    assert played.returns.tolist() == [-7.0] * 6
    assert played.cut == 0
    evaluator.close()


@pytest.mark.parametrize("name", ENGINES)
def test_a_block_leaves_a_large_replay_where_it_is(name: str) -> None:
    engine = ENGINES[name](dataclasses.replace(UNIFORM, replay=Uniform(20_000)))
    state, _ = engine.run(engine.start(), 0, 50, 1_000)
    before = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state.learner.replay.rows)]
    state, _ = engine.run(state, 50, 100, 1_000)
    assert [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state.learner.replay.rows)] == before
