"""The update of P-DQN, MP-DQN and PA-DDPG once more: NumPy in double precision, one transition at a time."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from argmaxq.agents.parts.hybrid import ActorCritic
from argmaxq.agents.pdqn import PDQN
from argmaxq.components.component import bind
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.parameters import Indexed, Summed, Tanh, Weighted
from argmaxq.learning.sync import Polyak
from argmaxq.networks.critics import MultiPass
from argmaxq.networks.inputs import Raw
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, HybridActions, Spaces
from argmaxq.types import Batch, Transition
from oracles.parts import LINEAR, leaves_equal

FEATURES, SIZES, BATCH = 3, (1, 0, 2), 8
ACTIONS, PARAMETERS = len(SIZES), sum(SIZES)
SPACES = Spaces(ArraySpec((FEATURES,), "float32"), HybridActions(SIZES))
SMALL: dict[str, Any] = {
    "actor_network": LINEAR,
    "optimiser": SGD(0.5),
    "actor_optimiser": SGD(0.25),
    "replay": Uniform(64),
    "sync": Polyak(0.25),
    "actor_sync": Polyak(0.5),
}
"""Values of both agents that have an actor."""
PLAIN = PDQN(critic=MultiPass(hidden=(6,), inputs=Raw(), activation="tanh"), **SMALL)


def agent_with(**changes: Any) -> Any:
    return bind(dataclasses.replace(PLAIN, **changes), SPACES)


def batch(seed: int = 0, size: int = BATCH, discount: float = 0.9) -> Batch:
    """Transitions with every action, some of them terminal, of different weights, some of which are 0."""
    rng = np.random.default_rng(seed)
    number = np.arange(size) % ACTIONS
    transition = Transition(
        obs=rng.normal(size=(size, FEATURES)).astype(np.float32),
        action=np.column_stack([number, rng.uniform(-1, 1, (size, PARAMETERS))]).astype(np.float32),
        reward=rng.normal(size=size).astype(np.float32),
        discount=np.where(np.arange(size) % 3 == 0, 0.0, discount).astype(np.float32),
        next_obs=rng.normal(size=(size, FEATURES)).astype(np.float32),
    )
    weight = np.where(np.arange(size) % 5 == 3, 0.0, rng.uniform(0.2, 1, size)).astype(np.float32)
    return Batch(transition, weight, np.zeros(size, np.int32))


def scattered(tree: Any, seed: int, scale: float = 0.7) -> Any:
    """Random numbers in the shapes of a tree of float32 arrays."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: (scale * rng.normal(size=leaf.shape)).astype(np.float32), tree)


def begun(agent: Any) -> Any:
    """A learner whose target networks differ from its online ones."""
    learner = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(lambda: fresh(agent)))
    return learner._replace(params=scattered(learner.params, 1), target=scattered(learner.target, 2))


def fresh(agent: Any) -> Any:
    return agent.init(jax.random.key(7), SPACES, 1)


OWNER = np.repeat(np.arange(ACTIONS), SIZES)


class Hand:
    """The critic's and the actor's update in NumPy's double precision, written out for one hidden layer of tanh."""

    def __init__(self, critic: Any, multi_pass: bool) -> None:
        own = jax.tree.map(lambda leaf: np.asarray(leaf, float), critic)
        self.w, self.b, self.p = own["state"]["kernel"], own["state"]["bias"], own["parameters"]
        self.out, self.bias = own["output"][:, :, 0], own["bias"][:, 0]
        self.seen = np.eye(ACTIONS)[:, OWNER] if multi_pass else np.ones((len(self.out), len(self.p)))

    def hidden(self, obs: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The hidden layer of each output's pass [outputs, width]."""
        return np.tanh(obs @ self.w + self.b + (self.seen * x) @ self.p)

    def values(self, obs: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.sum(self.hidden(obs, x) * self.out, axis=1) + self.bias

    def slope(self, obs: np.ndarray, x: np.ndarray) -> np.ndarray:
        """dQ_k/dx_j [outputs, parameters]."""
        return ((1 - self.hidden(obs, x) ** 2) * self.out) @ self.p.T * self.seen

    def gradient(self, obs: np.ndarray, x: np.ndarray, k: int) -> dict[str, Any]:
        """Of Q_k in the critic's weights."""
        hidden = self.hidden(obs, x)[k]
        back = (1 - hidden**2) * self.out[k]
        own = np.eye(len(self.out))[k]
        return {
            "bias": own[:, None],
            "output": (own[:, None] * hidden)[:, :, None],
            "parameters": np.outer(self.seen[k] * x, back),
            "state": {"bias": back, "kernel": np.outer(obs, back)},
        }


def moved(old: Any, new: Any) -> list[bool]:
    """For each array, whether every number in it changed."""
    return [bool((a != b).all()) for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)]


def squash(bounding: Any, raw: np.ndarray) -> np.ndarray:
    return np.tanh(raw) if bounding == Tanh() else raw


def by_hand(agent: Any, learner: Any, own: Batch) -> tuple[Any, np.ndarray, dict[str, float]]:
    """(critic and actor after an update, TD errors, metrics)."""
    (obs, action, reward, discount, next_obs, _), weight, *_ = own
    many = isinstance(agent.critic, MultiPass)
    online, target = (Hand(params.critic, many) for params in (learner.params, learner.target))
    number, taken = action[:, 0].astype(int), action[:, 1:].astype(float)
    prior = np.array(agent.prior or 0.0)

    following = np.clip(squash(agent.bounding, next_obs @ np.asarray(learner.target.actor, float) + prior), -1, 1)
    goal = np.zeros(BATCH)
    for i in range(BATCH):
        choice = online if agent.bootstrap == Double() else target
        best = np.argmax(choice.values(next_obs[i], following[i]))
        goal[i] = reward[i] + discount[i] * target.values(next_obs[i], following[i])[best]
    q = np.array([online.values(obs[i], taken[i])[number[i]] for i in range(BATCH)])
    surprise = goal - q
    critic = jax.tree.map(lambda leaf: np.asarray(leaf, float), learner.params.critic)
    for i in range(BATCH):
        rate = 0.5 * weight[i] * surprise[i] / BATCH
        critic = jax.tree.map(
            lambda leaf, g, r=rate: leaf + r * g, critic, online.gradient(obs[i], taken[i], number[i])
        )

    updated, actor, total = Hand(critic, many), np.asarray(learner.params.actor, float), 0.0
    share = np.bincount(number, weight, minlength=ACTIONS) / weight.sum()
    ascent = np.zeros_like(actor)
    for i in range(BATCH):
        raw = obs[i] @ actor + prior
        x = squash(agent.bounding, raw)
        wanted = {Summed: np.ones(ACTIONS), Weighted: share, Indexed: np.eye(ACTIONS)[number[i]]}[
            type(agent.actor_loss)
        ]
        total += weight[i] * wanted @ updated.values(obs[i], x)
        slope = weight[i] * wanted @ updated.slope(obs[i], x)
        ahead = np.where(slope > 0, 1 - raw, raw + 1) / 2
        ascent += np.outer(obs[i], slope * (1 - x**2 if agent.bounding == Tanh() else ahead)) / BATCH
    metrics = {"loss": np.mean(weight * surprise**2) / 2, "q": q.mean(), "actor_loss": -total / BATCH}
    return ActorCritic(critic, actor + 0.25 * ascent), surprise, metrics


def check_update(agent: Any, hand: Callable[..., tuple[Any, np.ndarray, dict[str, float]]]) -> tuple[Any, Batch]:
    """Loss, TD errors, both steps, both target networks, and the metrics by their names; the learner and its batch."""
    learner, own = begun(agent), batch()
    params, surprise, expected = hand(agent, learner, own)
    new, td_error, metrics = jax.jit(agent.update)(learner, own)
    np.testing.assert_allclose(td_error, surprise, rtol=1e-4, atol=1e-5)
    assert set(metrics) == set(expected) == set(agent.measured)
    for key, value in expected.items():
        np.testing.assert_allclose(metrics[key], value, rtol=1e-4, atol=1e-5)
    target = ActorCritic(
        jax.tree.map(lambda old, new: 0.75 * old + 0.25 * new, learner.target.critic, params.critic),
        0.5 * learner.target.actor + 0.5 * params.actor,
    )
    for found, wanted in ((new.params, params), (new.target, target)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, wanted)
    assert new.updates == 1
    return learner, own


def check_only_the_actor_moves(agent: Any) -> None:
    """All of its weights do, where the critic's steps are next to nothing and the target networks stay."""
    learner = begun(agent)
    new, _, _ = jax.jit(agent.update)(learner, batch(size=24))
    assert all(moved(learner.params.actor, new.params.actor))
    assert leaves_equal(new.params.critic, learner.params.critic)
    assert leaves_equal(new.target, learner.target)


def check_only_the_critic_moves(agent: Any) -> None:
    """All of its weights do, where the actor's steps are next to nothing and the target networks stay."""
    learner = begun(agent)
    new, _, _ = jax.jit(agent.update)(learner, batch(size=24))
    assert all(moved(learner.params.critic, new.params.critic))
    assert leaves_equal(new.params.actor, learner.params.actor)
    assert leaves_equal(new.target, learner.target)


def check_targets_are_the_target_networks(agent: Any) -> None:
    """TD errors at terminal transitions depend on no target; elsewhere on both target networks, and on no actor."""
    own, update, learner = batch(), jax.jit(agent.update), begun(agent)
    _, before, _ = update(learner, own)
    for name in ("critic", "actor"):
        target = learner.target._replace(**{name: scattered(getattr(learner.target, name), 9)})
        _, after, _ = update(learner._replace(target=target), own)
        np.testing.assert_array_equal(np.asarray(after == before), own.transition.discount == 0)
    params = learner.params._replace(actor=scattered(learner.params.actor, 9))
    np.testing.assert_array_equal(update(learner._replace(params=params), own)[1], before)


def check_rows_of_weight_0_move_nothing(agent: Any) -> None:
    """Other transitions in their place give the same parameters, and none of weight at all none but the old ones."""
    own, other, update, learner = batch(), batch(seed=5), jax.jit(agent.update), begun(agent)
    assert 0 < (own.weight == 0).sum() < BATCH

    def mixed(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.where((own.weight == 0).reshape(-1, *[1] * (old.ndim - 1)), new, old)

    first, second = (
        update(learner, own._replace(transition=transition))[0]
        for transition in (own.transition, jax.tree.map(mixed, own.transition, other.transition))
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), first.params, second.params)
    unmoved, _, metrics = update(learner, own._replace(weight=np.zeros(BATCH, np.float32)))
    assert leaves_equal(unmoved.params, learner.params)
    assert metrics["actor_loss"] == metrics["loss"] == 0
