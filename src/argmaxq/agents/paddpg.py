"""PA-DDPG: an actor chooses the action, too, and climbs one critic's value of the whole."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.hybrid import ActorCritic, HybridAgent, HybridLearner, climb, hybrid
from argmaxq.components.annotations import Fraction, Onset, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.parameters import Bounding, InvertingGradients, ParameterExploration, UniformParameters
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging, Polyak
from argmaxq.networks.critics import Ensemble, SinglePass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent, Critic, Exploration, NetworkLike, OptimiserLike, Replay, Returns, Rewards, Sync
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Batch, PyTree, Transition


@component(Agent)
class PADDPG(HybridAgent):
    """DDPG in a parameterised action space (Hausknecht and Stone 2016).

    The actor gives a preference for each action and the parameters of all; the critic values preferences and parameters
    together. Where the paper takes preferences as they are, here the critic sees their softmax, and of an action that
    was taken a one: so its input is the same for the actor's proposal and for what the replay holds.

    Attributes:
        critic: The value of an observation, a choice and parameters.
        actor_network: Preferences and parameters of all actions from observations.
        returns: How a return is represented, and its loss.
        exploration: Which action is taken.
        parameter_exploration: Which parameters it is taken with.
        bounding: How the actor is kept within the parameters' bounds.
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
        actions: How many actions there are; the environment's own number.
    """

    critic: Critic = SinglePass((256, 128))
    actor_network: NetworkLike = MLP((256, 128), inputs=Rescaled(), head=Centred())
    returns: Returns = Scalar(Squared())
    exploration: Exploration = EpsilonGreedy()
    parameter_exploration: ParameterExploration = UniformParameters()
    bounding: Bounding = InvertingGradients()
    replay: Replay = Uniform(200_000)
    sync: Sync = Polyak(0.01)
    actor_sync: Sync = Polyak(0.01)
    optimiser: OptimiserLike = Adam(1e-3, max_grad_norm=10.0)
    actor_optimiser: OptimiserLike = Adam(1e-4, max_grad_norm=10.0)
    gamma: Fraction = 0.9
    n_step: Size = 1
    batch_size: Size = 32
    rollout: Size = 1
    updates: Size = 1
    learning_starts: Onset = 128
    rewards: Rewards = Scale()
    average: Averaging | None = None
    actions: Size | None = None

    def check(self) -> None:
        """Look whether the critic is one that an actor can climb.

        Raises:
            UserError: it is an ensemble.
        """
        if isinstance(self.critic, Ensemble):
            raise UserError("critic = ensemble: the actor climbs one critic, such as single-pass or quadratic")

    def bind(self, spaces: Spaces) -> "PADDPG":
        """With a critic of one action, whose parameters are the choice and the parameters of all actions.

        Raises:
            UserError: actions have no parameters.
        """
        sizes = (hybrid(spaces).n + hybrid(spaces).parameters,)
        critic: Any = self.critic
        return dataclasses.replace(self, critic=dataclasses.replace(critic, sizes=sizes), actions=hybrid(spaces).n)

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> HybridLearner:
        """A fresh learner.

        Raises:
            UserError: actions have no parameters, or the replay is too small.
        """
        first, second = jax.random.split(key)
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        outputs = hybrid(spaces).n + hybrid(spaces).parameters
        critic = self.critic.init(first, obs, self.returns.size)
        return self.begin(ActorCritic(critic, self.actor_network.init(second, obs, (outputs, 1))), spaces, lanes, key)

    def raw(self, actor: PyTree, obs: Array) -> Array:
        """The actor's outputs for one observation: preferences, then unbounded parameters, [actions + parameters]."""
        return self.actor_network(actor, obs)[:, 0]

    def propose(self, params: ActorCritic, obs: Array) -> tuple[Array, Array]:
        """Preferences [actions] and the parameters of all actions for one observation."""
        preferences, parameters = self._split(self.raw(params.actor, obs))
        return preferences, jnp.clip(self.bounding.squash(parameters), -1.0, 1.0)

    def worth(self, params: ActorCritic, obs: Array) -> Array:
        """The critic's value [] of what the actor proposes for one observation [...]."""
        preferences, parameters = self.propose(params, obs)
        return self.returns.mean(self.value(params.critic, obs, jax.nn.softmax(preferences), parameters))

    def forward(self, params: ActorCritic, obs: Array, action: Array) -> Array:
        """The critic's outputs [size] for an action that was taken."""
        choice = (jnp.arange(self.actions) == action[0]).astype(jnp.float32)
        return self.value(params.critic, obs, choice, action[1:])

    def value(self, critic: PyTree, obs: Array, choice: Array, parameters: Array) -> Array:
        """Outputs [size] for one observation, weights of the actions [actions] and parameters."""
        return self.critic(critic, obs, jnp.concatenate([choice, parameters]))[0, 0]

    def _critic_loss(self, critic: PyTree, learner: HybridLearner, batch: Batch) -> tuple[Array, tuple[Array, Array]]:
        """Weighted mean loss; TD errors [batch] and the mean value."""

        def one(transition: Transition) -> tuple[Array, Array, Array]:
            preferences, parameters = self.propose(learner.target, transition.next_obs)
            following = self.value(learner.target.critic, transition.next_obs, jax.nn.softmax(preferences), parameters)
            goal = self.returns.target(transition.reward, transition.discount, following)
            choice = jax.nn.one_hot(transition.action[0].astype(jnp.int32), len(preferences))
            z = self.value(critic, transition.obs, choice, transition.action[1:])
            return self.returns.loss(z, goal), self.returns.td_error(z, goal), self.returns.mean(z)

        losses, td_errors, values = jax.vmap(one)(batch.transition)
        return jnp.mean(batch.weight * losses), (td_errors, jnp.mean(values))

    def _actor_gradient(self, actor: PyTree, critic: PyTree, batch: Batch) -> tuple[Array, PyTree]:
        """Mean weighted value of the actor's proposals, and the gradient of minus it, bounded, in the actor alone."""
        observed = batch.transition.obs

        def value(raw: Array) -> Array:
            def one(obs: Array, raw: Array) -> Array:
                preferences, parameters = self._split(raw)
                z = self.value(critic, obs, jax.nn.softmax(preferences), self.bounding.squash(parameters))
                return self.returns.mean(z)

            return jnp.sum(batch.weight * jax.vmap(one)(observed, raw))

        def bounded(ascent: Array, raw: Array) -> Array:
            free, own = self._split(ascent)
            return jnp.concatenate([free, self.bounding.gradient(own, self._split(raw)[1])], axis=-1)

        return climb(lambda own: jax.vmap(self.raw, (None, 0))(own, observed), actor, value, bounded)

    def _split(self, outputs: Array) -> tuple[Array, Array]:
        """Outputs [..., actions + parameters] in two."""
        return outputs[..., : self.actions], outputs[..., self.actions :]
