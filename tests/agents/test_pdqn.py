"""P-DQN's update against a hand computation, and what its losses, targets and actions depend on."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.replaying import Drawn
from argmaxq.agents.pdqn import PDQN
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.parameters import Indexed, InvertingGradients, Summed, Tanh, Weighted
from argmaxq.learning.schedules import Constant
from argmaxq.learning.sync import Periodic
from argmaxq.networks.critics import Ensemble, SinglePass
from argmaxq.networks.inputs import Raw
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import DiscreteActions, Spaces
from argmaxq.types import Batch, Row, Transition
from oracles.hybrid import (
    BATCH,
    FEATURES,
    PLAIN,
    SPACES,
    Hand,
    agent_with,
    batch,
    begun,
    by_hand,
    check_only_the_actor_moves,
    check_only_the_critic_moves,
    check_rows_of_weight_0_move_nothing,
    check_targets_are_the_target_networks,
    check_update,
    fresh,
    moved,
)
from oracles.parts import clock, leaves_equal

NEVER = Periodic(10**9)
VARIANTS: dict[str, dict[str, Any]] = {
    "mp-dqn": {},
    "p-dqn": {"critic": SinglePass(hidden=(6,), inputs=Raw(), activation="tanh")},
    "tanh": {"bounding": Tanh()},
    "weighted": {"actor_loss": Weighted()},
    "indexed": {"actor_loss": Indexed(), "bounding": Tanh(), "bootstrap": Double()},
    "double": {"bootstrap": Double()},
    "prior": {"prior": (0.5, -0.25, 0.9)},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_an_update_by_hand(name: str) -> None:
    """Loss, TD errors, both steps and both target networks."""
    learner, own = check_update(agent_with(**VARIANTS[name]), by_hand)
    outside = np.abs(own.transition.obs @ learner.params.actor) > 1
    assert 0 < outside.mean() < 1, "some outputs of the actor lie beyond the bounds"


def test_variants_differ_here() -> None:
    """What the hand computation tells apart is different in this batch."""
    agents = [agent_with(**changes) for changes in VARIANTS.values()]
    results = [by_hand(agent, begun(agent), batch())[0] for agent in agents]
    for i, one in enumerate(results):
        for other in results[:i]:
            differing = jax.tree.map(lambda a, b: not np.allclose(a, b, rtol=1e-3), one, other)
            assert any(jax.tree.leaves(differing))


DEEP = {"actor_network": MLP((5,), activation="tanh"), "sync": NEVER, "actor_sync": NEVER}
STILL = SGD(1e-30)


@pytest.mark.parametrize("bounding", [InvertingGradients(), Tanh()])
@pytest.mark.parametrize("loss", [Summed(), Weighted(), Indexed()])
def test_the_actors_gradient_reaches_all_of_its_weights_and_nothing_else(bounding: Any, loss: Any) -> None:
    check_only_the_actor_moves(agent_with(**DEEP, bounding=bounding, actor_loss=loss, optimiser=STILL))


def test_the_critics_loss_moves_the_critic_alone() -> None:
    check_only_the_critic_moves(agent_with(**DEEP, actor_optimiser=STILL))


def test_targets_are_made_by_the_target_networks_alone() -> None:
    check_targets_are_the_target_networks(agent_with(**DEEP))


@pytest.mark.parametrize("loss", [Summed(), Weighted(), Indexed()])
def test_rows_of_weight_0_move_nothing(loss: Any) -> None:
    """They stand where a replay found no row to start from; what lies there is anything."""
    check_rows_of_weight_0_move_nothing(agent_with(**DEEP, actor_loss=loss))


def test_every_critic_of_an_ensemble_learns_towards_the_least_value() -> None:
    agent, own = agent_with(critic=Ensemble(PLAIN.critic, 2)), batch()
    learner = begun(agent)
    new, td_error, _ = jax.jit(agent.update)(learner, own)
    assert all(moved(learner.params.critic, new.params.critic))

    def member(tree: Any, number: int) -> Hand:
        return Hand(jax.tree.map(lambda leaf: leaf[number], tree), True)

    obs, action, reward, discount, next_obs = own.transition[:5]
    expected = []
    for i in range(BATCH):
        following = np.clip(next_obs[i] @ learner.target.actor, -1, 1)
        least = np.min([member(learner.target.critic, n).values(next_obs[i], following) for n in (0, 1)], axis=0)
        q = member(learner.params.critic, 0).values(obs[i], action[i, 1:])[int(action[i, 0])]
        expected.append(reward[i] + discount[i] * least.max() - q)
    np.testing.assert_allclose(td_error, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [1, 3])
def test_targets_of_several_steps_are_discounted_as_often(n: int) -> None:
    """Rows in a replay, learnt from by chance, give the TD errors of transitions put together by hand."""
    agent = agent_with(n_step=n, gamma=0.8, learning_starts=0, batch_size=BATCH)
    rng = np.random.default_rng(0)
    rows, flags = 12, np.zeros((12, 1), bool)
    obs, reward = rng.normal(size=(rows, 1, FEATURES)), rng.normal(size=(rows, 1))
    action = SPACES.action.random(rng, rows)[:, None]
    row = Row(obs.astype(np.float32), action, reward.astype(np.float32), flags, flags, flags)
    learner = jax.jit(agent.remember)(begun(agent), row)
    bits = np.arange(BATCH, dtype=np.uint32)
    new, metrics = jax.jit(agent.learn)(learner, row, obs[-1], clock(step=100), Drawn(bits[None], None))
    folded = [sum(0.8**j * reward[i + j, 0] for j in range(n)) for i in range(BATCH)]
    whole = Transition(
        row.obs[:BATCH, 0], action[:BATCH, 0], np.array(folded), np.full(BATCH, 0.8**n), row.obs[n : BATCH + n, 0]
    )
    params, _, expected = by_hand(agent, learner, Batch(whole, np.ones(BATCH), np.arange(BATCH)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), new.params, params)
    np.testing.assert_allclose(metrics["loss"], expected["loss"], rtol=1e-4)
    np.testing.assert_array_equal(new.replay.rows.action[:rows], action)


class TestInvertingGradients:
    def test_known_values(self) -> None:
        """Hausknecht and Stone 2016, equation 11: whole at the far bound, half in the middle, 0 at the near bound."""
        raw = np.float32([-1, 0, 0.5, 1, 1.5, -1.5, -1, 0, 1])
        ascent = np.float32([2, 2, 2, 2, 2, -2, -2, -2, -2])
        expected = [2, 1, 0.5, 0, -0.5, 0.5, 0, -1, -2]
        np.testing.assert_allclose(InvertingGradients().gradient(ascent, raw), expected)

    @pytest.mark.parametrize("direction", [-1.0, 1.0])
    def test_an_actor_that_is_always_pulled_one_way_comes_to_the_bound_and_stays(self, direction: float) -> None:
        raw = np.float32(-direction * 0.9)
        for _ in range(200):
            raw = raw + 0.1 * InvertingGradients().gradient(np.float32(direction), raw)
        assert raw == pytest.approx(direction, abs=1e-3)


def test_a_fresh_actor_proposes_the_prior() -> None:
    """Its last layer starts at 0, so parameters begin in the middle, or at the prior; the critic's targets, too."""
    for prior, expected in (((), [0, 0, 0]), ((0.5, -0.25, 3.0), [0.5, -0.25, 1.0])):
        agent = bind(dataclasses.replace(PDQN(replay=Uniform(64)), prior=prior), SPACES)
        learner = fresh(agent)
        for params in (learner.params, learner.target):
            np.testing.assert_allclose(agent.parameters(params.actor, batch().transition.obs[0]), expected)
        assert leaves_equal(learner.params, learner.target)


def test_acting_without_exploration_is_greedy() -> None:
    """The number of the best action at the actor's parameters, and the parameters of all actions, within bounds."""
    agent = agent_with(exploration=EpsilonGreedy(Constant(0.0)))
    params = begun(agent).params
    hand, chosen = Hand(params.critic, True), set()
    noise = jax.tree.map(lambda leaf: leaf[0], agent.noise(jax.random.key(0), (1,), SPACES))
    act, greedy = jax.jit(agent.act), jax.jit(lambda params, obs: agent.greedy(params, (), obs)[0])
    for obs in batch(size=30).transition.obs:
        x = np.clip(obs @ params.actor, -1, 1)
        expected = np.concatenate([[np.argmax(hand.values(obs, x))], x])
        np.testing.assert_allclose(greedy(params, obs), expected, atol=1e-6)
        action, _ = act(params, (), obs, clock(), noise)
        np.testing.assert_array_equal(action, greedy(params, obs))
        assert action.dtype == jnp.float32
        chosen.add(int(action[0]))
    assert chosen == {0, 1, 2}


def test_agents_and_actions_that_do_not_fit() -> None:
    discrete = Spaces(SPACES.observation, DiscreteActions(3))
    for agent, space, words in [
        (PDQN(), discrete, "no parameters: an agent such as dqn or pqn fits"),
        (
            DQN(),
            SPACES,
            "have parameters, which this agent cannot choose: use an agent such as pdqn, or .* env.choices",
        ),
        (PDQN(prior=(0.1, 0.2)), SPACES, "agent.prior has 2 numbers; the actions have 3 parameters"),
        (PDQN(replay=Uniform(2), n_step=3), SPACES, "replay.capacity = 2 is too small"),
    ]:
        with pytest.raises(UserError, match=words) as caught:
            bind(agent, space).init(jax.random.key(0), space, 1)
        assert "\n" not in str(caught.value)
