"""What agents with an actor and a critic share that choose actions with real parameters."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.replaying import Replaying
from argmaxq.components.errors import UserError
from argmaxq.spaces import HybridActions, Spaces
from argmaxq.types import START, Array, Batch, Clock, Metrics, PyTree


class ActorCritic(NamedTuple):
    """Parameters of the critic and of the actor, or two of anything that belongs to them."""

    critic: PyTree
    actor: PyTree


class HybridLearner(NamedTuple):
    """Online and target parameters, both optimisers' states, replay, and updates done (int32).

    ``rewards`` is what their kind remembers, ``average`` the averaged parameters; both are often ``()``.
    """

    params: ActorCritic
    target: ActorCritic
    optimiser: ActorCritic
    replay: PyTree
    updates: Array
    rewards: PyTree = ()
    average: PyTree = ()


class HybridActing:
    """Acting from what ``propose`` gives: a preference for each action and the parameters of all actions."""

    random: ClassVar[bool] = False
    """Critics and actors get no keys."""
    exploration: Any
    parameter_exploration: Any

    def propose(self, params: Any, obs: Array) -> tuple[Array, Array]:
        """Preferences [actions] and parameters [parameters] for one observation."""
        raise NotImplementedError

    def preferences(self, params: Any, obs: Array) -> Array:
        """What the greedy policy takes the highest of, [actions]."""
        return self.propose(params, obs)[0]

    def worth(self, params: Any, obs: Array) -> Array:
        """The discounted return [] that the greedy policy is expected to have from one observation [...] on."""
        return jnp.max(self.preferences(params, obs))

    def memory(self, spaces: Spaces) -> PyTree:
        """The parameter noise of one lane.

        Raises:
            UserError: actions have no parameters.
        """
        return self.parameter_exploration.memory(hybrid(spaces).parameters)

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> tuple[PyTree, PyTree]:
        """Random numbers for choosing actions and parameters, leading axes ``shape``.

        Raises:
            UserError: actions have no parameters.
        """
        first, second = jax.random.split(key)
        own = self.parameter_exploration.noise(second, shape, hybrid(spaces).parameters)
        return self.exploration.noise(first, shape), own

    def act(
        self, params: Any, memory: PyTree, obs: Array, clock: Clock, noise: tuple[PyTree, PyTree]
    ) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane: the action [1 + parameters] for an observation [...], and the memory."""
        preferences, proposed = self.propose(params, obs)
        action = self.exploration.choose(preferences, clock, noise[0])
        explores = self.exploration.explores(clock, noise[0])
        taken, memory = self.parameter_exploration.perturb(proposed, explores, clock, noise[1], memory)
        return _joined(action, taken), memory

    def greedy(self, params: Any, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The preferred action, with the parameters of all, [1 + parameters], for one observation, and the memory."""
        preferences, proposed = self.propose(params, obs)
        return _joined(jnp.argmax(preferences), proposed), memory


class HybridAgent(HybridActing, Replaying):
    """An update of the critic, then of the actor."""

    measured: ClassVar[tuple[str, ...]] = ("loss", "q", "actor_loss")
    optimiser: Any
    actor_optimiser: Any
    sync: Any
    actor_sync: Any
    rollout: Any

    def _critic_loss(self, critic: PyTree, learner: HybridLearner, batch: Batch) -> tuple[Array, tuple[Array, Array]]:
        """Mean loss; TD errors [batch] and the mean value."""
        raise NotImplementedError

    def _actor_gradient(self, actor: PyTree, critic: PyTree, batch: Batch) -> tuple[Array, PyTree]:
        """Mean weighted value, and the gradient of minus it in the actor alone."""
        raise NotImplementedError

    def begin(self, params: ActorCritic, spaces: Spaces, lanes: int, key: jax.Array) -> HybridLearner:
        """A fresh learner with these parameters; raises UserError for a replay that is too small."""
        replay = self.replay.init(spaces, lanes, self.rollout + self.n_step)
        optimiser = ActorCritic(self.optimiser.init(params.critic), self.actor_optimiser.init(params.actor))
        target, more = jax.tree.map(jnp.copy, params), self.begun(params, lanes, key)
        return HybridLearner(params, target, optimiser, replay, jnp.int32(0), **more)

    def update(
        self, learner: HybridLearner, batch: Batch, clock: Clock = START
    ) -> tuple[HybridLearner, Array, Metrics]:
        """One gradient update of the critic, then of the actor: (learner, TD errors [batch], metrics)."""
        clock = clock._replace(update=learner.updates)
        differentiated = jax.value_and_grad(self._critic_loss, has_aux=True)
        (loss, (td_error, q)), gradient = differentiated(learner.params.critic, learner, batch)
        critic, first = self.optimiser.update(gradient, learner.optimiser.critic, learner.params.critic, clock)
        value, gradient = self._actor_gradient(learner.params.actor, critic, batch)
        actor, second = self.actor_optimiser.update(gradient, learner.optimiser.actor, learner.params.actor, clock)
        number = learner.updates + 1
        target = ActorCritic(
            self.sync(learner.target.critic, critic, number), self.actor_sync(learner.target.actor, actor, number)
        )
        params, optimiser = ActorCritic(critic, actor), ActorCritic(first, second)
        learner = learner._replace(params=params, target=target, optimiser=optimiser, updates=number)
        return learner, td_error, {"loss": loss, "q": q, "actor_loss": -value}


def hybrid(spaces: Spaces) -> HybridActions:
    """The actions, for an agent that needs parameterised ones.

    Raises:
        UserError: they have no parameters.
    """
    if not isinstance(spaces.action, HybridActions):
        raise UserError("these actions have no parameters: an agent such as dqn or pqn fits")
    return spaces.action


def climb(
    propose: Callable[[PyTree], Array],
    actor: PyTree,
    value: Callable[[Array], Array],
    bounded: Callable[[Array, Array], Array],
) -> tuple[Array, PyTree]:
    """Mean of the weighted values of what an actor proposes, and the gradient of minus it in the actor's parameters.

    Args:
        propose: actor -> raw outputs [batch, n].
        value: raw outputs -> the weighted sum of their values over the batch.
        bounded: (gradient of the value, raw outputs) -> the direction to move the outputs in, both [batch, n].
    """
    raw, pullback = jax.vjp(propose, actor)
    total, ascent = jax.value_and_grad(value)(raw)
    (gradient,) = pullback(-bounded(ascent, raw) / len(raw))
    return total / len(raw), gradient


def _joined(action: Array, parameters: Array) -> Array:
    return jnp.concatenate([action[jnp.newaxis].astype(jnp.float32), parameters])
