"""Branching DQN: several choices at once, each with values of its own, so that combinations are never counted."""

import dataclasses
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.agents.dqn import DQNLearner, begin, descend
from argmaxq.agents.parts.deciding import Deciding, among, both
from argmaxq.agents.parts.replaying import Replaying
from argmaxq.components.annotations import Bound, Fraction, Onset, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import parted
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns import Scalar
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Periodic
from argmaxq.learning.values import entry
from argmaxq.networks.heads import BranchingDueling
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent, Bootstrap, Exploration, NetworkLike, OptimiserLike, Replay, Returns, Rewards, Sync
from argmaxq.spaces import BranchedActions, Spaces
from argmaxq.types import FORBIDDEN, START, Array, Batch, Clock, Estimate, Estimates, Keys, Metrics, PyTree, Transition


@component(Agent)
class BDQ(Replaying, Deciding):
    """Branching Q-network (Tavakoli et al. 2018): one greedy choice for each branch of the action.

    All branches learn towards the mean of their targets (eq. 6 there), by the mean of their losses (eq. 7); a
    transition's priority is the sum of their absolute TD errors (eq. 8). Exploration chooses in each branch by itself.

    Attributes:
        network: Values of each branch's choices from observations.
        returns: How a return is represented, and its loss.
        bootstrap: The target of a transition in one branch: max, double or munchausen.
        exploration: The behaviour policy in each branch.
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
        branches: How many choices each branch has, of the environment.
    """

    network: NetworkLike = MLP(head=BranchingDueling())
    returns: Returns = Scalar()
    bootstrap: Bootstrap = Double()
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
    branches: Annotated[tuple[int, ...], Bound()] = ()

    def bind(self, spaces: Spaces) -> "BDQ":
        """With how many choices there are in each branch.

        Raises:
            UserError: these are not several choices at once.
        """
        return dataclasses.replace(self, branches=branched(spaces).sizes)

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> DQNLearner:
        """A fresh learner.

        Raises:
            UserError: other actions, or a replay too small for one rollout and one window.
        """
        obs, sizes = jnp.zeros(spaces.observation.shape, spaces.observation.dtype), branched(spaces).sizes
        params = self.network.init(key, obs, (len(sizes) * max(sizes), self.returns.size))
        return begin(self, params, spaces, lanes, key)

    def memory(self, spaces: Spaces) -> PyTree:
        """Acting has no state of its own."""
        return ()

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> tuple[PyTree, Keys | None]:
        """The random numbers of exploration for each branch, and of the network, leading axes ``shape``.

        Raises:
            UserError: these are not several choices at once.
        """
        keys = super().noise(key, shape, spaces)[1]
        return self.exploration.noise(key, (*shape, len(branched(spaces).sizes))), keys

    @property
    def _there(self) -> np.ndarray:
        """Which choices there are, bool [branches, widest]: every branch has outputs for as many as the widest one."""
        return np.arange(max(self.branches)) < np.array(self.branches)[:, np.newaxis]

    def outputs(self, params: PyTree, obs: Array, keys: Keys | None = None, count: int | None = None) -> Array:
        """The network's outputs [branches, widest, size] for one observation; see ``asked``."""
        z = self.asked(partial(self.network, params), obs, keys, count)
        return z.reshape(*self._there.shape, *z.shape[1:])

    def estimate(self, params: PyTree, obs: Array, key: Keys | None = None) -> Estimate:
        """Outputs and values [branches, widest] of one observation; ``FORBIDDEN`` where there is no choice."""
        estimate, _ = self.regarded(lambda key, count: (self.outputs(params, obs, key, count), ()), obs, key)
        return estimate._replace(q=jnp.where(self._there, estimate.q, FORBIDDEN))

    def judged(self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None) -> tuple[Estimate, PyTree]:
        """z [branches, widest, size] and q [branches, widest] of one observation [...], and the memory as it is."""
        return self.estimate(params, obs, keys), memory

    def act(
        self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: tuple[PyTree, Keys | None]
    ) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane: a choice in each branch [branches]."""
        choose, (own, keys) = jax.vmap(among, (0, None, 0, None, 0)), noise
        q = self.estimate(params, obs, keys).q
        return choose(jnp.asarray(self._there), self.exploration, q, clock, own), memory

    def update(self, learner: DQNLearner, batch: Batch, clock: Clock = START) -> tuple[DQNLearner, Array, Metrics]:
        """One gradient update on one batch: (learner, TD errors [batch], metrics)."""
        return descend(self, self._loss, learner, batch, clock)

    def _loss(
        self, params: PyTree, target: PyTree, transition: Transition, keys: Keys | None
    ) -> tuple[Array, Array, Array]:
        """(loss, TD error, value) of one transition, means over branches but for the error, which is a sum."""
        own, *others = parted(keys, 5)

        def of_branch(action: Array, here: Estimates, there: Estimates) -> Array:
            return self.bootstrap.target(self.returns, transition._replace(action=action), here, there)

        goals = jax.vmap(of_branch)(transition.action, *both(self, params, target, transition, others))
        goal = jnp.mean(goals, axis=0)
        z = jax.vmap(entry)(self.outputs(params, transition.obs, own), transition.action)
        losses, errors = (jax.vmap(each, (0, None))(z, goal) for each in (self.returns.loss, self.returns.td_error))
        return jnp.mean(losses), jnp.sum(jnp.abs(errors)), jnp.mean(self.returns.mean(z))


def branched(spaces: Spaces) -> BranchedActions:
    """The actions, for an agent that needs several choices at once; raises UserError for others."""
    if not isinstance(spaces.action, BranchedActions):
        raise UserError(
            "bdq is for several choices at once (MultiDiscrete, MultiBinary) of more combinations than are numbered; "
            "dqn fits discrete actions, pdqn those with parameters"
        )
    return spaces.action
