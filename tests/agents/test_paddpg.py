"""PA-DDPG's update against a hand computation, what its gradients move, and what it finds."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import softmax

from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.parts.hybrid import ActorCritic
from argmaxq.components.checks import validate
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD, Adam
from argmaxq.learning.parameters import InvertingGradients, Tanh
from argmaxq.learning.schedules import Constant
from argmaxq.learning.sync import Periodic
from argmaxq.networks.critics import Ensemble, SinglePass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Raw, Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.spaces import DiscreteActions, Spaces
from argmaxq.types import Batch
from oracles.hybrid import (
    ACTIONS,
    BATCH,
    SMALL,
    SPACES,
    Hand,
    batch,
    begun,
    check_only_the_actor_moves,
    check_only_the_critic_moves,
    check_rows_of_weight_0_move_nothing,
    check_targets_are_the_target_networks,
    check_update,
    scattered,
    squash,
)
from oracles.parts import clock
from samples.hybrid_probes import AIMING, CHOOSING, DECAY, LEARNING, Aiming, greedy, learnt

PLAIN = PADDPG(critic=SinglePass(hidden=(6,), inputs=Raw(), activation="tanh"), **SMALL)
NEVER, STILL = Periodic(10**9), SGD(1e-30)
DEEP = {"actor_network": MLP((5,), activation="tanh"), "sync": NEVER, "actor_sync": NEVER}
VARIANTS: dict[str, dict[str, Any]] = {"plain": {}, "tanh": {"bounding": Tanh()}}


def agent_with(**changes: Any) -> Any:
    return bind(dataclasses.replace(PLAIN, **changes), SPACES)


def by_hand(agent: Any, learner: Any, own: Batch) -> tuple[Any, np.ndarray, dict[str, float]]:
    """(critic and actor after an update, TD errors, metrics)."""
    (obs, action, reward, discount, next_obs, _), weight, *_ = own
    online, target = Hand(learner.params.critic, False), Hand(learner.target.critic, False)
    raw = next_obs @ np.asarray(learner.target.actor, float)
    following = np.clip(squash(agent.bounding, raw[:, ACTIONS:]), -1, 1)
    seen = np.concatenate([softmax(raw[:, :ACTIONS], axis=1), following], axis=1)
    taken = np.concatenate([np.eye(ACTIONS)[action[:, 0].astype(int)], action[:, 1:]], axis=1)
    surprise, q = np.zeros(BATCH), np.zeros(BATCH)
    critic = jax.tree.map(lambda leaf: np.asarray(leaf, float), learner.params.critic)
    for i in range(BATCH):
        goal = reward[i] + discount[i] * target.values(next_obs[i], seen[i])[0]
        q[i] = online.values(obs[i], taken[i])[0]
        surprise[i] = goal - q[i]
        rate = 0.5 * weight[i] * surprise[i] / BATCH
        critic = jax.tree.map(lambda leaf, g, r=rate: leaf + r * g, critic, online.gradient(obs[i], taken[i], 0))

    updated, actor, values = Hand(critic, False), np.asarray(learner.params.actor, float), np.zeros(BATCH)
    ascent = np.zeros_like(actor)
    for i in range(BATCH):
        raw = obs[i] @ actor
        share, x = softmax(raw[:ACTIONS]), squash(agent.bounding, raw[ACTIONS:])
        proposed = np.concatenate([share, x])
        values[i] = weight[i] * updated.values(obs[i], proposed)[0]
        slope = weight[i] * updated.slope(obs[i], proposed)[0]
        preferences = share * (slope[:ACTIONS] - share @ slope[:ACTIONS])
        ahead = np.where(slope[ACTIONS:] > 0, 1 - x, x + 1) / 2
        parameters = slope[ACTIONS:] * (1 - x**2 if agent.bounding == Tanh() else ahead)
        ascent += np.outer(obs[i], np.concatenate([preferences, parameters])) / BATCH
    metrics = {"loss": np.mean(weight * surprise**2) / 2, "q": q.mean(), "actor_loss": -values.mean()}
    return ActorCritic(critic, actor + 0.25 * ascent), surprise, metrics


@pytest.mark.parametrize("name", VARIANTS)
def test_an_update_by_hand(name: str) -> None:
    """Loss, TD errors, both steps, both target networks, and the metrics by their names."""
    learner, own = check_update(agent_with(**VARIANTS[name]), by_hand)
    for obs, actor in ((own.transition.obs, learner.params.actor), (own.transition.next_obs, learner.target.actor)):
        outside = np.abs(obs @ actor)[:, ACTIONS:] > 1
        assert 0 < outside.mean() < 1, "some outputs of the actors lie beyond the bounds"


def test_variants_differ_here() -> None:
    """What the hand computation tells apart is different in this batch."""
    agents = [agent_with(**changes) for changes in VARIANTS.values()]
    results = [by_hand(agent, begun(agent), batch())[0] for agent in agents]
    for i, one in enumerate(results):
        for other in results[:i]:
            assert not np.allclose(one.actor, other.actor, rtol=1e-3)


@pytest.mark.parametrize("bounding", [InvertingGradients(), Tanh()])
def test_the_actors_gradient_reaches_all_of_its_weights_and_nothing_else(bounding: Any) -> None:
    check_only_the_actor_moves(agent_with(**DEEP, bounding=bounding, optimiser=STILL))


def test_the_critics_loss_moves_the_critic_alone() -> None:
    check_only_the_critic_moves(agent_with(**DEEP, actor_optimiser=STILL))


def test_targets_are_made_by_the_target_networks_alone() -> None:
    check_targets_are_the_target_networks(agent_with(**DEEP))


def test_rows_of_weight_0_move_nothing() -> None:
    check_rows_of_weight_0_move_nothing(agent_with(**DEEP))


def outputs_under_one_pull(bounding: Any) -> tuple[np.ndarray, np.ndarray]:
    """Preferences and raw parameters [200, ...] of an actor taught on one observation by a critic that stays still."""
    agent = agent_with(bounding=bounding, optimiser=STILL, actor_optimiser=SGD(1.0))
    learner, own, update = begun(agent), batch(size=1), jax.jit(agent.update)
    own = Batch(own.transition._replace(obs=np.float32([[1, 0, 0]])), np.ones(1, np.float32), own.index)
    learner, raw = learner._replace(params=learner.params._replace(actor=np.zeros_like(learner.params.actor))), []
    for _ in range(200):
        learner, _, _ = update(learner, own)
        raw.append(np.asarray(learner.params.actor[0]))
    preferences, parameters = np.split(np.array(raw), [ACTIONS], axis=1)
    return preferences, parameters


def test_parameters_come_near_their_bounds_and_stay_within_while_preferences_grow() -> None:
    preferences, parameters = outputs_under_one_pull(InvertingGradients())
    assert np.abs(parameters).max() <= 1
    assert np.abs(parameters[-1]).min() > 0.85
    assert (np.diff(np.ptp(preferences, axis=1)) > 0).all()
    assert np.ptp(preferences[-1]) > 4
    assert np.abs(outputs_under_one_pull(Tanh())[1]).max() > 1.2, "this critic would pull further"


def test_greedy_is_the_preferred_action_with_parameters_within_their_bounds() -> None:
    """Whatever the actor's outputs, the environment's own action lies in its space; exploration of 0 acts alike."""
    agent = bind(dataclasses.replace(PLAIN, exploration=EpsilonGreedy(Constant(0.0))), AIMING.spaces)
    params = agent.init(jax.random.key(0), AIMING.spaces, 1).params
    act, chosen = jax.jit(agent.act), set()
    noise = jax.tree.map(lambda leaf: leaf[0], agent.noise(jax.random.key(0), (1,), AIMING.spaces))
    for seed in range(20):
        own = params._replace(actor=scattered(params.actor, seed, scale=3.0))
        for obs, taken in zip(np.float32([[1], [-1]]), greedy(AIMING, agent, own), strict=True):
            raw = obs @ own.actor
            action = np.asarray(agent.greedy(own, (), obs)[0])
            np.testing.assert_allclose(action, [np.argmax(raw[:2]), *np.clip(raw[2:], -1, 1)], atol=1e-6)
            np.testing.assert_array_equal(act(own, (), obs, clock(), noise)[0], action)
            assert taken in Aiming.action_space
            chosen.add(int(taken[0]))
    assert chosen == {0, 1}


PROBING = PADDPG(
    critic=SinglePass(hidden=(64,), activation="tanh"),
    actor_network=MLP((32,), inputs=Rescaled(), head=Centred()),
    actor_optimiser=Adam(2e-3, annealing=DECAY),
    **LEARNING,
)


def test_the_best_action_and_its_parameter_are_found() -> None:
    """The right action for each observation, and a parameter near 9; an actor that does not learn stays at 4.5."""
    numbers, parameters = learnt(PROBING, CHOOSING)
    np.testing.assert_array_equal(numbers, [0, 1])
    assert parameters.min() > 7


def test_it_has_one_critic() -> None:
    with pytest.raises(UserError, match=r"^critic = ensemble: the actor climbs one critic"):
        validate(PADDPG(critic=Ensemble()))


def test_it_needs_actions_with_parameters() -> None:
    with pytest.raises(UserError, match="no parameters: an agent such as dqn or pqn fits"):
        bind(PADDPG(), Spaces(SPACES.observation, DiscreteActions(3)))
