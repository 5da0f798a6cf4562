"""Several choices at once: a value for each choice, not for each combination."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.experimental.functional import FuncEnv

import argmaxq as aq
from argmaxq.agents.bdq import BDQ
from argmaxq.agents.dqn import DQN
from argmaxq.components.component import bind
from argmaxq.lanes.actions import read_actions
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.bootstrap import Double, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns import Categorical, ImplicitQuantile, Scalar
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.networks.heads import BranchingDueling, Implicit
from argmaxq.networks.layers import Noisy
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, BranchedActions, Spaces
from argmaxq.types import FORBIDDEN, Batch, Keys, Transition
from oracles.parts import leaves_equal
from samples.own_environments import Own
from support.tiers import slow
from support.trainer import ENGINES, train

SIZES = (5, 4, 5, 3, 5, 4)
"""6,000 combinations."""


class Lock(NamedTuple):
    """The numbers that open each wheel, and how many tries there were."""

    code: Any
    tries: Any


class Wheels(FuncEnv):
    """A lock with wheels of several sizes, whose code is shown; each right wheel earns 1 / wheels. Two tries."""

    observation_space = spaces.Box(0.0, 1.0, (len(SIZES),), np.float32)
    action_space = spaces.MultiDiscrete(SIZES, start=[1, 0, 2, 0, 0, 0])

    def initial(self, rng, params=None):
        return Lock(self._code(rng), jnp.int32(0))

    def _code(self, rng):
        return jnp.floor(jax.random.uniform(rng, (len(SIZES),)) * 2).astype(jnp.int32)

    def transition(self, state, action, rng, params=None):
        return Lock(self._code(rng), state.tries + 1)

    def observation(self, state, rng, params=None):
        return state.code.astype(jnp.float32)

    def reward(self, state, action, next_state, rng, params=None):
        right = state.code * (jnp.array(SIZES) - 1) + jnp.array(self.action_space.start, jnp.int32)
        return jnp.mean(jnp.asarray(action) == right)

    def terminal(self, state, rng, params=None):
        return state.tries >= 2


AGENT = BDQ(
    MLP((64,), head=BranchingDueling()),
    exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.5, per="run")),
    replay=Uniform(8_000),
    optimiser=Adam(2e-3),
    learning_starts=200,
    gamma=0.9,
)


def test_an_update_is_the_papers_by_hand() -> None:
    """Two branches, of 2 and of 3 choices, in a table of two states; double, so that the online network chooses."""
    seen = Spaces(ArraySpec((), "int32", categories=2), BranchedActions((2, 3)))
    agent: Any = bind(BDQ(Table(), Scalar(), Double(), replay=Uniform(100), gamma=0.5), seen)
    online = np.array([[1, 2, 99, 3, 4, 5], [6, 7, 99, 1, 9, 2]], np.float32)  # the first branch has no third choice
    target = np.array([[0, 0, 50, 0, 0, 0], [10, 20, 50, 30, 40, 60]], np.float32)
    step = Transition(jnp.int32(0), jnp.array([1, 2]), jnp.float32(1), jnp.float32(0.5), jnp.int32(1))
    tables = [{"weights": jnp.asarray(each)[..., None]} for each in (online, target)]
    loss, error, value = agent._loss(*tables, step, None)
    goal = 1 + 0.5 * (20 + 40) / 2
    huber = [abs(goal - q) - 0.5 for q in (2, 5)]
    np.testing.assert_allclose((loss, error, value), (np.mean(huber), (goal - 2) + (goal - 5), 3.5), rtol=1e-6)
    assert agent.greedy(tables[0], (), jnp.int32(1))[0].tolist() == [1, 1]
    learner = agent.init(jax.random.key(0), seen, 1)._replace(params=tables[0], target=tables[1])
    batch = Batch(jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], step), jnp.ones(1), jnp.zeros(1, jnp.int32))
    moved = agent.update(learner, batch)[0].params["weights"][..., 0]
    assert np.argwhere(moved != online).tolist() == [[0, 1], [0, 5]]


def test_the_head_takes_each_branchs_own_mean_off() -> None:
    seen = Spaces(ArraySpec((2,), "float32"), BranchedActions((2, 3)))
    network: Any = bind(MLP((), head=BranchingDueling()), seen)
    params = network.init(jax.random.key(1), jnp.zeros(2), (6, 1))
    z = network(params, jnp.array([0.3, -2.0])).reshape(2, 3)
    value = (jnp.array([0.3, -2.0]) @ params["value"]["kernel"][:, 0, 0]) + params["value"]["bias"][0, 0]
    np.testing.assert_allclose([z[0, :2].mean(), z[1].mean()], [value, value], rtol=1e-5)


def test_implicit_quantiles_of_each_branch_are_drawn_without_those_that_are_not_there() -> None:
    seen = Spaces(ArraySpec((2,), "float32"), BranchedActions((2, 3)))
    returns, network = ImplicitQuantile(4, 5, 6), MLP((8,), head=Implicit(4, BranchingDueling()))
    agent: Any = bind(BDQ(network, returns, replay=Uniform(100)), seen)
    params, obs = agent.init(jax.random.key(0), seen, 1).params, jnp.array([0.3, -2.0])
    keys = agent.noise(jax.random.key(1), (2,), seen)[1]
    drawn = [agent.estimate(params, obs, Keys(*each)) for each in zip(*keys, strict=True)]
    assert drawn[0].z.shape == (2, 3, 5, 2)
    assert not np.allclose(drawn[0].q[1], drawn[1].q[1])
    assert drawn[0].q[0, 2] == FORBIDDEN
    plain = np.array(agent.network(params, obs, None, (np.arange(6) + 0.5) / 6)[..., 0].mean(axis=-1))
    plain[2] = FORBIDDEN
    np.testing.assert_allclose(agent.estimate(params, obs).q.ravel(), plain, rtol=1e-5)
    assert agent.greedy(params, (), obs)[0].tolist() == [int(plain[:2].argmax()), int(plain[3:].argmax())]


@pytest.mark.parametrize(("returns", "lanes"), [(Categorical(11, 0.0, 2.0), 8), slow(Scalar(), 1)])
def test_engines_agree_and_take_choices_that_there_are(returns: Any, lanes: int) -> None:
    fields = {"returns": returns, "replay": Prioritised(3_000), "bootstrap": Munchausen(), "n_step": 2}
    agent = aq.replace(AGENT, fields | {"network.layer": Noisy(), "network.head": BranchingDueling(Noisy())})
    engines = [make(agent, CompiledEnv(Wheels(), mask="none"), lanes, (2,)) for make in ENGINES.values()]
    (one, _), (two, _) = (train(engine, 1_600 // (4 * lanes)) for engine in engines)
    assert leaves_equal((one.learner, one.episodes), (two.learner, two.episodes))
    actions = np.asarray(one.learner.replay.ring.rows.action)
    assert np.all(actions.reshape(-1, len(SIZES)).max(axis=0) == np.array(SIZES) - 1)


def test_it_learns_the_optimum(tmp_path: Path) -> None:
    """A network with a value for each of 6,000 combinations would see each of them four times."""
    exploring = EpsilonGreedy(Linear(1.0, 0.3, 1.0, per="run"))
    fields = {"updates": 8, "optimiser.annealing": TO_ZERO, "replay.capacity": 24_000, "exploration": exploring}
    agent = aq.replace(AGENT, fields)
    recipe = aq.Recipe(agent, aq.Env(Wheels, lanes=4), 24_000, aq.Evaluation(24_000, 100))
    run = aq.train(recipe, out=tmp_path / "run")
    assert run.evaluate(200).mean == pytest.approx(2.0, abs=0.01)
    policy = aq.load(run.path)
    right = Wheels.action_space.start + (np.array(SIZES) - 1)
    np.testing.assert_array_equal(policy(np.ones(6, np.float32)), right)
    assert policy(np.zeros((7, 6), np.float32)).shape == (7, 6)
    with pytest.raises(aq.UserError, match="no values of single actions"):
        policy.values(np.ones(6, np.float32))


@pytest.mark.parametrize("space", [spaces.MultiBinary((3, 5)), spaces.MultiDiscrete(np.full((2, 7), 3))])
def test_choices_are_given_back_in_the_spaces_own_shape(space: Any) -> None:
    actions, decode = read_actions(space)
    drawn = actions.random(np.random.default_rng(0), 50)
    assert all(decode(each) in space for each in drawn)
    np.testing.assert_array_equal(decode(jnp.asarray(drawn)), decode(drawn))


def test_masks_and_other_agents_are_refused(tmp_path: Path) -> None:
    for agent, env, told in (
        (AGENT, "CartPole-v1", "bdq is for several choices at once"),
        (DQN(), Wheels, "6,000 combinations.*bdq fits"),
    ):
        with pytest.raises(aq.UserError, match=told):
            aq.train(aq.Recipe(agent, aq.Env(env)), steps=2_000, out=tmp_path / "none")

    class Legal(Wheels):
        def legal(self, state: Any) -> Any:
            return jnp.ones(3, bool)

    with pytest.raises(aq.UserError, match="only discrete actions are masked, and these are several choices at once"):
        aq.train(aq.Recipe(AGENT, aq.Env(Legal, mask="info")), steps=100, out=tmp_path / "none")


def test_the_start_suits_an_environment_of_ones_own(tmp_path: Path) -> None:
    """Whose ``step`` refuses actions that are not in its space."""
    run = aq.train("bdq", env=lambda: Own(done=spaces.MultiDiscrete([9] * 4)), steps=300, out=tmp_path / "run")
    assert isinstance(run.recipe.agent, BDQ)
    assert run.policy()(np.zeros(4, np.float32)) in spaces.MultiDiscrete([9] * 4)
