"""Q-learning of actions that have real parameters, by a critic that knows its own best parameters: no actor."""

import jax
import jax.numpy as jnp

from argmaxq.agents.dqn import DQNLearner, begin, descend
from argmaxq.agents.parts.hybrid import HybridActing, hybrid
from argmaxq.agents.parts.replaying import Replaying
from argmaxq.components.annotations import Fraction, Onset, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.parameters import ParameterExploration, UniformParameters
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Polyak
from argmaxq.networks.quadratic import Quadratic
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent, Critic, Exploration, MaximisableCritic, OptimiserLike, Replay, Returns, Rewards, Sync
from argmaxq.spaces import Spaces
from argmaxq.types import START, Array, Batch, Clock, Keys, Metrics, PyTree, Transition


@component(Agent)
class CriticOnly(HybridActing, Replaying):
    """Double Q-learning of parameterised actions without an actor.

    As in NAF (Gu et al. 2016) the critic has a form whose maximum over an action's parameters is known, so what P-DQN's
    actor would have to learn is never stale and never stuck. The target is Double DQN's: the online critic chooses the
    next action with its parameters, the target critic values both.

    Attributes:
        critic: Action values from observations and parameters, and the parameters of the greatest.
        returns: How a return is represented, and its loss.
        exploration: Which action is taken.
        parameter_exploration: Which parameters it is taken with.
        replay: Which experience is learnt from.
        sync: How the target critic follows.
        optimiser: The gradient method.
        gamma: Discount per env step.
        n_step: Rewards summed before the bootstrap.
        batch_size: Transitions per update.
        rollout: Rows that each lane collects between two calls of learn.
        updates: Updates in each call of learn.
        learning_starts: Env steps before the first update.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
    """

    critic: Critic = Quadratic()
    returns: Returns = Scalar(Squared())
    exploration: Exploration = EpsilonGreedy()
    parameter_exploration: ParameterExploration = UniformParameters()
    replay: Replay = Uniform(200_000)
    sync: Sync = Polyak(0.01)
    optimiser: OptimiserLike = Adam(5e-4, max_grad_norm=10.0)
    gamma: Fraction = 0.95
    n_step: Size = 1
    batch_size: Size = 128
    rollout: Size = 8
    updates: Size = 1
    learning_starts: Onset = 500
    rewards: Rewards = Scale()
    average: Averaging | None = None

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> DQNLearner:
        """A fresh learner.

        Raises:
            UserError: actions have no parameters, or a critic or a replay does not fit.
        """
        hybrid(spaces)
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        return begin(self, self._critic.init(key, obs, self.returns.size), spaces, lanes, key)

    @property
    def _critic(self) -> MaximisableCritic:
        if not isinstance(self.critic, MaximisableCritic):
            kind = type_name(type(self.critic))
            raise UserError(f"agent.critic = {kind}: its best parameters are not known without an actor; pdqn has one")
        return self.critic

    def propose(self, params: PyTree, obs: Array) -> tuple[Array, Array]:
        """Action values [actions] with the best parameters, and these, of all actions."""
        return self._critic.best(params, obs, self.returns.mean)

    def values(self, params: PyTree, obs: Array) -> Array:
        """Action values [actions] of one observation, each with its best parameters."""
        return self.propose(params, obs)[0]

    def update(self, learner: DQNLearner, batch: Batch, clock: Clock = START) -> tuple[DQNLearner, Array, Metrics]:
        """One gradient update on one batch: (learner, TD errors [batch], metrics)."""
        return descend(self, self._loss, learner, batch, clock)

    def _loss(
        self, params: PyTree, target: PyTree, transition: Transition, keys: Keys | None
    ) -> tuple[Array, Array, Array]:
        """(loss, TD error, value) of one transition."""
        following, _ = self.greedy(jax.lax.stop_gradient(params), (), transition.next_obs)
        z_next = self.forward(target, transition.next_obs, following)
        goal = self.returns.target(transition.reward, transition.discount, z_next)
        z = self.forward(params, transition.obs, transition.action)
        return self.returns.loss(z, goal), self.returns.td_error(z, goal), self.returns.mean(z)

    def forward(self, params: PyTree, obs: Array, action: Array) -> Array:
        """The critic's outputs [size] for one action [1 + parameters]."""
        return self._critic.of(params, obs, action[0].astype(jnp.int32), action[1:])
