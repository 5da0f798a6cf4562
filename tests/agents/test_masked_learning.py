"""Learning with masks of actions: no forbidden one is ever taken, explored, preferred or bootstrapped from."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.deciding import among, shares
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.environments.source import compiled
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.bootstrap import Double, Max, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.returns import ImplicitQuantile
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.backups import DoubleQLearning, ExpectedSarsa, QLearning, Sarsa
from argmaxq.learning.td.traces import Accumulating
from argmaxq.networks.heads import Implicit
from argmaxq.networks.linear import Table
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import FORBIDDEN, Estimates, Transition
from oracles.parts import chi_square, clock, leaves_equal
from samples.masked import ENV, RETURNS, SEQUENCES, TAXI, OpenDoors, doors, small
from support.tiers import quick_ones
from support.trainer import ENGINES, train

BOOTSTRAPS = {"max": Max(), "double": Double(), "munchausen": Munchausen()}
DOORS = CompiledEnv(OpenDoors(), 4, mask="info")
"""With a time limit before the end, so that final observations are bootstrapped from."""


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


MASKED = {
    "dqn": (small("scalar", bootstrap=Double(), n_step=3), 1),
    "c51-munchausen": (small("c51", bootstrap=Munchausen(), n_step=3), 8),
    "r2d2": (SEQUENCES, 8),
    "r2d2-alone": (aq.replace(SEQUENCES, {"bootstrap": Munchausen(), "replay": Uniform(3_000)}), 1),
}


@pytest.mark.parametrize("name", quick_ones(MASKED, ("dqn", "c51-munchausen", "r2d2")))
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
