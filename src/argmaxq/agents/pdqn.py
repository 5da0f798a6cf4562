"""P-DQN and MP-DQN: Q-learning of actions that have real parameters, which an actor proposes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.hybrid import ActorCritic, HybridAgent, HybridLearner, climb, hybrid
from argmaxq.components.annotations import Fraction, Number, Onset, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.parameters import (
    ActorLoss,
    Bounding,
    InvertingGradients,
    ParameterExploration,
    Summed,
    UniformParameters,
)
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Polyak
from argmaxq.learning.values import entry
from argmaxq.networks.critics import MultiPass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import (
    Agent,
    Bootstrap,
    Critic,
    Exploration,
    NetworkLike,
    OptimiserLike,
    Replay,
    Returns,
    Rewards,
    Sync,
)
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Batch, Estimate, Estimates, PyTree, Transition


@component(Agent)
class PDQN(HybridAgent):
    """Parameterised DQN (Xiong et al. 2018); with a multi-pass critic MP-DQN (Bester et al. 2019).

    The actor proposes parameters for every action, the critic values them, the best action is taken. The replay holds
    the parameters of all actions as they were acted with.

    Attributes:
        critic: Action values from observations and parameters.
        actor_network: Parameters of all actions from observations.
        returns: How a return is represented, and its loss.
        bootstrap: The target of a transition: max, double or munchausen.
        exploration: Which action is taken.
        parameter_exploration: Which parameters it is taken with.
        bounding: How the actor is kept within the parameters' bounds.
        actor_loss: Which action values the actor is to raise.
        prior: Parameters in [-1, 1] that are added to the actor's outputs; empty: none.
        replay: Which experience is learnt from.
        sync: How the target critic follows.
        actor_sync: How the target actor follows.
        optimiser: The critic's gradient method.
        actor_optimiser: The actor's gradient method.
        gamma: Discount per env step.
        n_step: Rewards summed before the bootstrap.
        batch_size: Transitions per update.
        rollout: Rows that each lane collects between two calls of learn.
        updates: Updates of both networks in each call of learn.
        learning_starts: Env steps before the first update.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
    """

    critic: Critic = MultiPass()
    actor_network: NetworkLike = MLP((128,), inputs=Rescaled(), head=Centred())
    returns: Returns = Scalar(Squared())
    bootstrap: Bootstrap = Max()
    exploration: Exploration = EpsilonGreedy()
    parameter_exploration: ParameterExploration = UniformParameters()
    bounding: Bounding = InvertingGradients()
    actor_loss: ActorLoss = Summed()
    prior: tuple[Number, ...] = ()
    replay: Replay = Uniform(200_000)
    sync: Sync = Polyak(0.1)
    actor_sync: Sync = Polyak(0.01)
    optimiser: OptimiserLike = Adam(1e-3, max_grad_norm=10.0)
    actor_optimiser: OptimiserLike = Adam(3e-4, max_grad_norm=10.0)
    gamma: Fraction = 0.9
    n_step: Size = 1
    batch_size: Size = 128
    rollout: Size = 1
    updates: Size = 1
    learning_starts: Onset = 500
    rewards: Rewards = Scale()
    average: Averaging | None = None

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> HybridLearner:
        """A fresh learner.

        Raises:
            UserError: actions have no parameters, ``prior`` has another number of them, or the replay is too small.
        """
        count = hybrid(spaces).parameters
        if self.prior and len(self.prior) != count:
            raise UserError(f"agent.prior has {len(self.prior)} numbers; the actions have {count} parameters")
        first, second = jax.random.split(key)
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        critic = self.critic.init(first, obs, self.returns.size)
        return self.begin(ActorCritic(critic, self.actor_network.init(second, obs, (count, 1))), spaces, lanes, key)

    def raw(self, actor: PyTree, obs: Array) -> Array:
        """The actor's outputs [parameters] for one observation, before they are bounded."""
        outputs = self.actor_network(actor, obs)[:, 0]
        return outputs + jnp.array(self.prior, jnp.float32) if self.prior else outputs

    def parameters(self, actor: PyTree, obs: Array) -> Array:
        """Parameters [parameters] of all actions for one observation [...], within [-1, 1]."""
        return jnp.clip(self.bounding.squash(self.raw(actor, obs)), -1.0, 1.0)

    def values(self, params: ActorCritic, obs: Array) -> Array:
        """Action values [actions] of one observation, each with the actor's parameters."""
        return self.propose(params, obs)[0]

    def values_of(self, params: ActorCritic, obs: Array, parameters: Array) -> Array:
        """Action values [actions] of one observation and the parameters of all actions."""
        return jnp.mean(self.returns.mean(self.critic(params.critic, obs, parameters)), axis=0)

    def forward(self, params: ActorCritic, obs: Array, action: Array) -> Array:
        """The critics' outputs [critics, actions, size] for an action's parameters."""
        return self.critic(params.critic, obs, action[1:])

    def propose(self, params: ActorCritic, obs: Array) -> tuple[Array, Array]:
        """Action values [actions] and the parameters of all actions for one observation."""
        parameters = self.parameters(params.actor, obs)
        return self.values_of(params, obs, parameters), parameters

    def _critic_loss(self, critic: PyTree, learner: HybridLearner, batch: Batch) -> tuple[Array, tuple[Array, Array]]:
        """Weighted mean loss; TD errors [batch] and the mean value."""

        def one(transition: Transition) -> tuple[Array, Array, Array]:
            action = transition.action[0].astype(jnp.int32)
            here, there = (
                self._estimates(critic, learner.target, obs) for obs in (transition.obs, transition.next_obs)
            )
            goal = self.bootstrap.target(self.returns, transition._replace(action=action), here, there)
            outputs = self.critic(critic, transition.obs, transition.action[1:])
            z = jax.vmap(entry, (0, None))(outputs, action)
            losses = jax.vmap(self.returns.loss, (0, None))(z, goal)
            return jnp.sum(losses), self.returns.td_error(z[0], goal), self.returns.mean(z[0])

        losses, td_errors, values = jax.vmap(one)(batch.transition._replace(place=batch.index))
        return jnp.mean(batch.weight * losses), (td_errors, jnp.mean(values))

    def _actor_gradient(self, actor: PyTree, critic: PyTree, batch: Batch) -> tuple[Array, PyTree]:
        """Mean weighted action value, and the gradient of minus it, bounded, in the actor alone."""
        obs, taken = batch.transition.obs, batch.transition.action[:, 0].astype(jnp.int32)
        critics: Callable[[Array, Array], Array] = jax.vmap(lambda obs, own: self.critic(critic, obs, own)[0])

        def value(raw: Array) -> Array:
            q = self.returns.mean(critics(obs, self.bounding.squash(raw)))
            return jnp.sum(self.actor_loss.weights(taken, batch.weight, q.shape[1]) * q)

        return climb(lambda own: jax.vmap(self.raw, (None, 0))(own, obs), actor, value, self.bounding.gradient)

    def _estimates(self, critic: PyTree, target: ActorCritic, obs: Array) -> Estimates:
        """Both critics' estimates of one observation with the target actor's parameters."""
        parameters = self.parameters(target.actor, obs)

        def estimate(params: PyTree) -> Estimate:
            z = self._least(jax.lax.stop_gradient(self.critic(params, obs, parameters)))
            return Estimate(z, self.returns.mean(z))

        return Estimates(estimate(critic), estimate(target.critic))

    def _least(self, outputs: Array) -> Array:
        """Outputs [actions, size] of whichever critic values each action least, from [critics, actions, size]."""
        least = jnp.argmin(self.returns.mean(outputs), axis=0)
        return jax.vmap(entry, (1, 0))(outputs, least)
