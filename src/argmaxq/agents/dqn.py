"""DQN and its family: one agent, whose variants are other values of its fields."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.accumulating import Found, accumulated
from argmaxq.agents.parts.acting import Acting, discrete
from argmaxq.agents.parts.copies import prepared
from argmaxq.agents.parts.deciding import Allowed, both
from argmaxq.agents.parts.replaying import Replaying
from argmaxq.components.annotations import Fraction, Onset, Size
from argmaxq.components.component import component
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import axes, of_batch, parted
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.resets import Resets
from argmaxq.learning.returns import Scalar
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Periodic
from argmaxq.learning.values import entry
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Replay, Returns, Rewards, Sync
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import START, Array, Batch, Clock, Keys, Metrics, PyTree, Transition

Loss = Callable[[PyTree, PyTree, Transition, Keys | None], tuple[Array, Array, Array]]
"""(parameters, target network's, transition, keys) -> (loss, TD error, value)."""


class DQNLearner(NamedTuple):
    """Online and target parameters, optimiser state, replay, and gradient updates done (int32).

    ``rewards`` is what their kind remembers, ``average`` the averaged parameters, ``seed`` is of resets: often ``()``.
    ``copies`` are what a network keeps ready of both parameters while it learns, and nothing in between.
    """

    params: PyTree
    target: PyTree
    optimiser: PyTree
    replay: PyTree
    updates: Array
    rewards: PyTree = ()
    average: PyTree = ()
    seed: PyTree = ()
    copies: PyTree = ()


@component(Agent)
class DQN(Replaying, Acting):
    """Deep Q-network (Mnih et al. 2015): Q-learning from replayed experience with a target network.

    Attributes:
        network: Action values from observations.
        returns: How a return is represented, and its loss.
        bootstrap: The target of a transition: max, double or munchausen.
        exploration: The behaviour policy.
        replay: Which experience is learnt from.
        sync: How the target network follows.
        optimiser: The gradient method.
        gamma: Discount per env step.
        n_step: Rewards summed before the bootstrap.
        batch_size: Transitions per gradient update.
        rollout: Rows that each lane collects between two calls of learn.
        updates: Gradient updates in each call of learn.
        learning_starts: Env steps before the first update.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
        resets: When the network begins anew; none: never.
        legal: Where observations say which actions are allowed, of the environment.
    """

    network: NetworkLike = MLP()
    returns: Returns = Scalar()
    bootstrap: Bootstrap = Max()
    exploration: Exploration = EpsilonGreedy()
    replay: Replay = Uniform()
    sync: Sync = Periodic()
    optimiser: OptimiserLike = Adam()
    gamma: Fraction = 0.99
    n_step: Size = 1
    batch_size: Size = 64
    rollout: Size = 4
    updates: Size = 1
    learning_starts: Onset = 1_000
    rewards: Rewards = Scale()
    average: Averaging | None = None
    resets: Resets | None = None
    legal: Allowed = Legal()

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> DQNLearner:
        """A fresh learner.

        Raises:
            UserError: other actions, or a replay too small for one rollout and one window.
        """
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        return begin(self, params, spaces, lanes, key)

    def update(self, learner: DQNLearner, batch: Batch, clock: Clock = START) -> tuple[DQNLearner, Array, Metrics]:
        """One gradient update on one batch: (learner, TD errors [batch], metrics)."""
        return descend(self, self._loss, learner, batch, clock)

    def _loss(
        self, params: PyTree, target: PyTree, transition: Transition, keys: Keys | None
    ) -> tuple[Array, Array, Array]:
        """(loss, TD error, value) of one transition."""
        own, *others = parted(keys, 5)
        goal = self.bootstrap.target(self.returns, transition, *both(self, params, target, transition, others))
        z = entry(self.outputs(params, transition.obs, own), transition.action)
        return self.returns.loss(z, goal), self.returns.td_error(z, goal), self.returns.mean(z)


def begin(agent: Any, params: PyTree, spaces: Spaces, lanes: int, key: jax.Array) -> DQNLearner:
    """A fresh learner with these parameters; raises UserError for a replay that is too small."""
    replay = agent.replay.init(spaces, lanes, agent.rollout + agent.n_step)
    target, optimiser = jax.tree.map(jnp.copy, params), agent.optimiser.init(params)
    return DQNLearner(params, target, optimiser, replay, jnp.int32(0), **agent.begun(params, lanes, key))


def descend(
    agent: Any, loss: Loss, learner: DQNLearner, batch: Batch, clock: Clock
) -> tuple[DQNLearner, Array, Metrics]:
    """One step of the agent's optimiser down the weighted mean loss of a batch, and of its target network."""

    keys, transition = of_batch(batch.key, batch.weight.shape), batch.transition._replace(place=batch.index)

    def mean(params: PyTree, samples: tuple[Array, Transition]) -> tuple[Array, tuple[Array, Array]]:
        weight, own = samples
        mapped = jax.vmap(loss, (None, None, 0, axes(keys)))
        losses, td_errors, values = mapped(*prepared(learner, params), own, keys)
        return jnp.mean(weight * losses), (td_errors, jnp.mean(values))

    return step(agent, accumulated(agent, mean, learner.params, (batch.weight, transition), keys), learner, clock)


def step(agent: Any, found: Found, learner: DQNLearner, clock: Clock) -> tuple[DQNLearner, Array, Metrics]:
    """One step of the agent's optimiser, and of its target, by ((loss, (TD errors, value)), gradient)."""
    (value, (td_error, q)), gradient = found
    clock, number = clock._replace(update=learner.updates), learner.updates + 1
    params, optimiser = agent.optimiser.update(gradient, learner.optimiser, learner.params, clock)
    target = agent.sync(learner.target, params, number)
    learner = learner._replace(params=params, target=target, optimiser=optimiser, updates=number)
    return learner, td_error, {"loss": value, "q": q}
