"""Masks of actions: no forbidden one is ever taken, explored, preferred or bootstrapped from."""

import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.deciding import among, shares
from argmaxq.agents.pqn import PQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.environments.check import check
from argmaxq.environments.source import compiled, host
from argmaxq.environments.survey import survey
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.masks import UNUSED
from argmaxq.lanes.vector_lanes import VectorLanes
from argmaxq.learning.bootstrap import Double, Max, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.returns import Categorical, HLGauss, ImplicitQuantile, Quantile, Scalar
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.backups import DoubleQLearning, ExpectedSarsa, QLearning, Sarsa
from argmaxq.learning.td.traces import Accumulating
from argmaxq.networks.heads import Implicit, SingleStream
from argmaxq.networks.layers import Noisy
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.recurrent import GRU, Recurrent
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import FORBIDDEN, Estimates, Transition
from oracles.parts import chi_square, clock, leaves_equal
from samples.masked import ACTIONS, BEST, InDict, OpenDoors, doors, doors_in_dict
from support.trainer import ENGINES, train

RETURNS = {
    "scalar": Scalar(),
    "c51": Categorical(11, -1.0, 15.0),
    "quantile": Quantile(5),
    "hl-gauss": HLGauss(11, -1.0, 15.0),
}
BOOTSTRAPS = {"max": Max(), "double": Double(), "munchausen": Munchausen()}
DOORS = CompiledEnv(OpenDoors(), 4, mask="info")
"""With a time limit before the end, so that final observations are bootstrapped from."""
ENV = aq.Env(doors, mask="info", time_limit=20)


def small(name: str, steps: int = 3_000, **fields: Any) -> DQN:
    return DQN(MLP((16,)), RETURNS[name], replay=Uniform(steps), learning_starts=100, batch_size=16, **fields)


def forbidden(state: Any, spaces: Spaces) -> int:
    """Forbidden actions among the rows of a replay."""
    ring = getattr(state.learner.replay, "ring", state.learner.replay)
    rows, written = jax.tree.map(np.asarray, ring.rows), int(ring.written)
    allowed = spaces.legal.allowed(rows.obs)[:written]
    taken = np.take_along_axis(allowed, rows.action[:written, :, None].astype(int), axis=-1)[..., 0]
    return int(np.sum(~taken & ~rows.last[:written]))


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("bootstrap", BOOTSTRAPS)
def test_a_target_is_that_of_the_allowed_actions_alone(returns: str, bootstrap: str) -> None:
    """Of a table whose best action is forbidden, and of the table without that action."""
    size, rule = RETURNS[returns].size, BOOTSTRAPS[bootstrap]
    z = 3.0 * jax.random.normal(jax.random.key(3), (2, 2, 3, size))  # online and target, here and there
    chooser = 0 if bootstrap == "double" else 1
    best = jnp.argmax(RETURNS[returns].mean(z[chooser, 1]))
    allowed = jnp.arange(3) != best

    def target(table: Any, mask: Any, action: int) -> Any:
        spaces = Spaces(ArraySpec((), "int32", categories=2), DiscreteActions(len(mask)), masked=True)
        agent: Any = bind(DQN(Table(), RETURNS[returns]), spaces)
        params = [{"weights": each} for each in table]
        seen = [jnp.concatenate([jnp.array([place]), mask.astype(jnp.int32)]) for place in (0, 1)]
        here, there = (Estimates(*(agent.estimate(own, obs) for own in params)) for obs in seen)
        step = Transition(seen[0], jnp.int32(action), jnp.float32(0.5), jnp.float32(0.9), seen[1])
        return rule.target(agent.returns, step, here, there)

    kept = [action for action in range(3) if action != best]
    alone = target(z[:, :, jnp.array(kept)], jnp.ones(2, bool), 0)
    np.testing.assert_allclose(target(z, allowed, kept[0]), alone, rtol=1e-5, atol=1e-6)
    assert not np.allclose(target(z, jnp.ones(3, bool), kept[0]), alone, atol=1e-4)


def test_random_choices_are_equally_likely_among_the_allowed() -> None:
    explore, allowed = EpsilonGreedy(Constant(0.5)), jnp.array([True, False, True, True])
    q = jnp.where(allowed, jnp.array([1.0, 9.0, 3.0, 2.0]), FORBIDDEN)
    noise = explore.noise(jax.random.key(0), (20_000,))
    chosen = np.asarray(jax.vmap(lambda own: explore.choose(q, clock(), own, allowed))(noise))
    expected = np.asarray(explore.probabilities(q, clock(), allowed))
    np.testing.assert_allclose(expected, [1 / 6, 0, 2 / 3, 1 / 6], rtol=1e-6)
    assert np.all(chosen != 1)
    assert chi_square(np.bincount(chosen, minlength=4)[[0, 2, 3]], 20_000 * expected[[0, 2, 3]]) < 4.0
    everything = jnp.ones(4, bool)
    np.testing.assert_array_equal(
        jax.vmap(lambda own: explore.choose(q, clock(), own, everything))(noise),
        jax.vmap(lambda own: explore.choose(q, clock(), own))(noise),
    )
    assert ExpectedSarsa().value(q, q, expected, 0) == pytest.approx(1 / 6 + 3 * 2 / 3 + 2 / 6, rel=1e-6)


class Uniformly:
    """An exploration of a user's own, which knows no masks: any action, equally likely."""

    def choose(self, q: Any, clock: Any, noise: Any) -> Any:
        return noise

    def probabilities(self, q: Any, clock: Any) -> Any:
        return jnp.full(q.shape, 1 / len(q))


def test_an_exploration_without_masks_takes_the_best_for_a_forbidden_action() -> None:
    allowed, q = jnp.array([True, False, True, False]), jnp.array([1.0, FORBIDDEN, 3.0, FORBIDDEN])
    assert [int(among(allowed, Uniformly(), q, clock(), jnp.int32(noise))) for noise in range(4)] == [0, 2, 2, 2]
    np.testing.assert_allclose(shares(allowed, Uniformly(), q, clock()), [0.25, 0, 0.75, 0])


SEQUENCES = R2D2(
    Recurrent((8,), GRU(8), head=Implicit(4, SingleStream(Noisy())), layer=Noisy()),
    ImplicitQuantile(4, 4, 4),
    replay=Prioritised(3_000),
    learning_starts=100,
    **{"burn_in": 2, "length": 6, "n_step": 2, "stride": 4, "batch_size": 8, "rollout": 4},
)
"""Remembers, draws noise and levels."""
MASKED = {
    "dqn": (small("scalar", bootstrap=Double(), n_step=3), 1),
    "c51-munchausen": (small("c51", bootstrap=Munchausen(), n_step=3), 8),
    "r2d2": (SEQUENCES, 8),
    "r2d2-alone": (aq.replace(SEQUENCES, {"bootstrap": Munchausen(), "replay": Uniform(3_000)}), 1),
}
LONG = [pytest.param(name, marks=pytest.mark.slow) if name == "r2d2-alone" else name for name in MASKED]


@pytest.mark.parametrize("name", LONG)
def test_engines_agree_and_take_no_forbidden_action(name: str) -> None:
    """In Doors a forbidden action's reward is no number, which would end the training."""
    agent, lanes = MASKED[name]
    (one, reports), (two, _) = (
        train(make(agent, DOORS, lanes, (4,)), 2_400 // (4 * lanes)) for make in ENGINES.values()
    )
    assert leaves_equal((one.learner, one.episodes, one.totals), (two.learner, two.episodes, two.totals))
    assert forbidden(one, DOORS.spaces) == 0
    assert not any(report.faults for block in reports for report in block)
    assert np.isfinite(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(one.learner.params)])).all()


TAXI = aq.Env("Taxi-v4", mask="info")
TABLES = {
    "double": TD(backup=DoubleQLearning()),
    "expected": TD(backup=ExpectedSarsa(), n_step=2),
    "sarsa": TD(backup=Sarsa()),
    "traces": TD(traces=Accumulating(cut="peng")),
    "q": TD(backup=QLearning()),
}


class Strict(gym.Wrapper[Any, Any, Any, Any]):
    """Raises an exception where a forbidden action is taken."""

    def reset(self, **options: Any) -> Any:
        obs, info = self.env.reset(**options)
        self.allowed = info["action_mask"]
        return obs, info

    def step(self, action: Any) -> Any:
        assert self.allowed[action] == 1
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.allowed = info["action_mask"]
        return obs, reward, terminated, truncated, info


def strict_taxi() -> Strict:
    return Strict(gym.make("Taxi-v4"))


@pytest.mark.parametrize("name", TABLES)
def test_tables_learn_on_taxi_by_allowed_actions_alone(name: str, tmp_path: Path) -> None:
    """On the host in Gymnasium's own, whose wrapper would raise; and both engines agree on its tables."""
    recipe = aq.Recipe(TABLES[name], aq.Env(strict_taxi, mask="info"), 1_500, aq.Evaluation(1_500, 2))
    run = aq.train(recipe, out=tmp_path / "run")
    assert run.evaluate(2).mean > -250.0  # of 200 steps none was a forbidden -10
    env = compiled(TAXI)
    (one, _), (two, _) = (train(make(TABLES[name], env, 2), 500) for make in ENGINES.values())
    assert leaves_equal(one.learner, two.learner)
    weights = np.asarray(one.learner.params.estimates[0]["weights"])[..., 0]
    assert np.any(weights)
    assert not np.any(weights[~env.env._allowed])  # no forbidden action was ever learnt about


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("make", [doors, doors_in_dict])
def test_random_play_in_vector_environments_is_allowed(mode: AutoresetMode, make: Any) -> None:
    mask = "observation" if make is doors_in_dict else "info"
    lanes = VectorLanes(SyncVectorEnv([lambda: TimeLimit(make(), 4)] * 3, autoreset_mode=mode), mask=mask)
    obs, generator, ends = lanes.reset(1), np.random.default_rng(1), 0
    for _ in range(60):
        assert lanes.spaces.legal.allowed(obs).any(axis=-1).all()
        step = lanes.step(lanes.spaces.random(generator, obs))
        assert np.isfinite(step.reward).all()
        obs, ends = step.obs, ends + int(step.truncated.sum())
    assert ends > 20


def test_lanes_show_the_mask_wherever_it_comes_from() -> None:
    """Infos, observations and processes give the same arrays; in a terminal state all is allowed, not nothing."""
    sources = {"info": aq.Env(doors, mask="info", lanes=2), "dict": aq.Env(doors_in_dict, mask="observation", lanes=2)}
    sources["processes"] = aq.Env(doors, mask="info", lanes=2, backend="processes")
    seen = []
    for env in sources.values():
        lanes, rows, last = host(env), [], np.zeros(2, bool)
        obs, generator = lanes.reset(7), np.random.default_rng(3)
        for _ in range(14):
            rows.append(obs.copy())
            assert obs.shape == (2, 2 + ACTIONS)
            assert lanes.spaces.legal.allowed(obs)[last].all()
            step = lanes.step(lanes.spaces.random(generator, obs))
            obs, last = step.obs, step.last
            assert np.isfinite(step.reward).all()
        if env is sources["info"]:
            again = host(env)
            assert again.restore(lanes.save()) == []
            np.testing.assert_array_equal(again.observe(), obs)
        lanes.close()
        seen.append(np.array(rows))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert {0.0, 1.0} == {*np.unique(seen[0][..., 2:]).tolist()}


def test_a_masked_run_is_evaluated_loaded_and_pickled(tmp_path: Path) -> None:
    agent = PQN(MLP((16,), layer_norm=True), RETURNS["c51"], Munchausen(), rollout=32, minibatches=4, epochs=2)
    recipe = aq.Recipe(agent, aq.replace(ENV, {"lanes": 4}), 4_096, aq.Evaluation(2_048, 10))
    run = aq.train(recipe, out=tmp_path / "run")
    judged = run.evaluate(50)
    assert judged.random < 9.0 < judged.mean <= BEST + 1.0
    policy = aq.load(run.path)
    env, total = doors(), 0.0
    obs, info = env.reset(seed=3)
    for _ in range(20):
        action = policy(obs, info["action_mask"])
        assert pickle.loads(pickle.dumps(policy))(obs, info["action_mask"]) == action
        np.testing.assert_array_equal(np.isneginf(policy.values(obs, info["action_mask"])), info["action_mask"] == 0)
        obs, reward, over, _, info = env.step(action)
        total += reward
        if over:
            obs, info = env.reset()
    assert np.isfinite(total)
    masks = np.eye(ACTIONS, dtype=np.int8)
    np.testing.assert_array_equal(policy(np.zeros((ACTIONS, 2), np.float32), masks), np.arange(ACTIONS))
    with pytest.raises(aq.UserError, match=r"policy\(obs, info\['action_mask'\]\)"):
        policy(obs)
    with pytest.raises(aq.UserError, match="allows no action"):
        policy(obs, np.zeros(ACTIONS))


ROLLOUTS = RecurrentPQN(
    Recurrent((8,), GRU(8), head=SingleStream(Noisy())), RETURNS["c51"], Munchausen(), rollout=8, minibatches=2
)


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        (ROLLOUTS, "host"),
        pytest.param(ROLLOUTS, "compiled", marks=pytest.mark.slow),
        *(pytest.param(SEQUENCES, engine, marks=pytest.mark.slow) for engine in ENGINES),
    ],
)
def test_a_recurrent_masked_run_is_evaluated_and_loaded(agent: Any, engine: str, tmp_path: Path) -> None:
    recipe = aq.Recipe(agent, aq.Env(OpenDoors, mask="info", lanes=4), 2_000, aq.Evaluation(1_000, 10))
    run = aq.train(recipe, out=tmp_path / "run", engine=engine)
    assert np.isfinite(run.evaluate(20).returns).all()
    policy, env = run.policy(), doors()
    obs, info = env.reset(seed=3)
    for _ in range(60):
        obs, reward, over, _, info = env.step(policy(obs, info["action_mask"]))
        assert np.isfinite(reward)
        if over:
            obs, info = env.reset()
            policy.reset()
    policy.reset()
    masks = np.eye(ACTIONS, dtype=np.int8)
    np.testing.assert_array_equal(policy(np.zeros((ACTIONS, 2), np.float32), masks), np.arange(ACTIONS))


def test_a_policy_finds_the_mask_in_its_observation(tmp_path: Path) -> None:
    recipe = aq.Recipe(small("quantile", 500), aq.Env(doors_in_dict, mask="observation"), 600, aq.Evaluation(600, 2))
    policy = aq.train(recipe, out=tmp_path / "run").policy()
    obs = {"observation": np.zeros(2, np.float32), "action_mask": np.array([0, 1, 0, 0], np.int8)}
    assert policy(obs) == 1
    with pytest.raises(aq.UserError, match="its observations hold their masks"):
        policy(obs, obs["action_mask"])


class Shut(gym.Wrapper[Any, Any, Any, Any]):
    """No action is allowed after the second step; ``gone``: nothing is said of it then."""

    gone = False

    def reset(self, **options: Any) -> Any:
        self.steps = 0
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        *result, info = self.env.step(action)
        self.steps += 1
        if self.steps == 2:
            info = {} if self.gone else info | {"action_mask": np.zeros(ACTIONS)}
        return (*result, info)


class Gone(Shut):
    gone = True


class AlwaysShut(OpenDoors):
    def legal(self, state: Any) -> Any:
        return state.open & (state.steps < 2)


class Wrong(OpenDoors):
    def legal(self, state: Any) -> Any:
        return state.open[:2]


REFUSED = {
    "nothing allowed": (aq.Env(lambda: Shut(doors()), mask="info"), "allows no action, and the episode is not over"),
    "nothing said": (aq.Env(lambda: Gone(doors()), mask="info"), r"no info\['action_mask'\]"),
    "no mask at all": (aq.Env("CartPole-v1", {"render_mode": None}, mask="info"), "no method legal"),
    "nothing allowed, compiled": (aq.Env(AlwaysShut, mask="info"), r"a mask that allows no action \(env step 2\)"),
    "another shape": (aq.Env(Wrong, mask="info"), r"Wrong.legal gave an array of shape \(2,\): it must be \(4,\)"),
    "a FuncEnv's place": (aq.Env(OpenDoors, mask="observation"), "its method legal.*env.mask info"),
    "no such entry": (aq.Env(doors, mask="observation"), "must be a Dict with the entry 'action_mask'"),
    "actions with parameters": (aq.Env("argmaxq/Platform-v0", mask="info"), "env.mask = info"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_with_a_mask_is_one_line(name: str, tmp_path: Path) -> None:
    env, told = REFUSED[name]
    with pytest.raises(aq.UserError, match=told) as error:
        aq.train(aq.Recipe(small("scalar"), env, 400, aq.Evaluation(0)), out=tmp_path / "run")
    assert "\n" not in str(error.value)


def test_a_mask_is_pointed_out_and_random_play_respects_it(tmp_path: Path, capsys: Any) -> None:
    findings = {each.what: each for each in check(doors)}
    assert findings["masks"].why == UNUSED["info"]
    assert {each.status for each in findings.values()} <= {"ok", "warn"}
    assert np.isfinite(survey(aq.Env(doors, mask="info"), 200).reward).all()
    assert survey(aq.Env(doors_in_dict, mask="observation"), 20).obs.shape == (21, 2)
    unused = aq.Env(lambda: InDict(TimeLimit(doors(), 3)))
    lanes = host(unused)
    lanes.reset(0)
    assert lanes.offered == "observation"
    for env in (aq.Env("Taxi-v4"), TAXI):
        recipe = aq.Recipe(TD(), env, 400, aq.Evaluation(0))
        aq.train(recipe, out=tmp_path / env.mask, quiet=False)
        assert (UNUSED["info"] in capsys.readouterr().out) == (env is not TAXI)


def test_an_exact_judgement_knows_the_mask(tmp_path: Path) -> None:
    run = aq.train(aq.replace(aq.find("taxi/masked-q"), {"evaluation.every": 0}), steps=150_000, out=tmp_path / "run")
    judged = run.judge("last")
    assert judged.value > 0.99 * judged.optimal
    assert judged.max_error < 20.0
    assert run.policy("last").values(3, np.array([1, 0, 0, 0, 0, 1]))[1:5].max() == -np.inf


@pytest.mark.slow
@pytest.mark.parametrize("returns", ["scalar", "c51", "quantile", "iqn", "recurrent"])
@pytest.mark.parametrize("env", [TAXI, aq.Env(OpenDoors, mask="info"), ENV])
@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_a_hundred_thousand_steps_without_a_forbidden_action(
    returns: str, env: aq.Env, engine: str, tmp_path: Path
) -> None:
    if engine == "compiled" and env is ENV:
        pytest.skip("a Gymnasium environment is stepped on the host")
    if engine == "host" and env is TAXI:
        env = aq.Env(strict_taxi, mask="info")
    agent: Any = SEQUENCES
    if returns != "recurrent":
        agent = small("scalar" if returns == "iqn" else returns, 100_000, rollout=8, bootstrap=Double())
    if returns == "iqn":
        agent = aq.replace(agent, {"returns": ImplicitQuantile(4, 4, 4), "network.head": Implicit(8)})
    run = aq.train(aq.Recipe(agent, env, 100_000, aq.Evaluation(50_000, 20)), engine=engine, out=tmp_path / "run")
    assert np.isfinite(run.evaluate(50).returns).all()
    policy, own = run.policy(), strict_taxi() if "Taxi" in str(env.id) or env.id is strict_taxi else doors()
    obs, info = own.reset(seed=1)
    for _ in range(1_000):
        obs, reward, over, cut, info = own.step(policy(obs, info["action_mask"]))
        assert np.isfinite(reward)
        if over or cut:
            obs, info = own.reset()
