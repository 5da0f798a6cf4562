"""Targets of one transition: what the state it led to is worth."""

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Fraction, NonNegative, Positive
from argmaxq.components.component import component
from argmaxq.learning.values import entry
from argmaxq.roles import Bootstrap, Returns
from argmaxq.types import Array, Estimates, Transition


@component(Bootstrap)
class Max:
    """r + discount * max_a Q_target(s', a) (Watkins 1989; Mnih et al. 2015).

    Examples:
        >>> float(Max().value(jnp.array([1.0, 3.0, 2.0])))
        3.0
    """

    def target(self, returns: Returns, transition: Transition, here: Estimates, there: Estimates) -> Array:
        """The target of one transition, as ``returns`` has it: of a number []; of atoms or quantiles [size]."""
        action = jnp.argmax(there.target.q)
        return returns.target(transition.reward, transition.discount, entry(there.target.z, action))

    def reward(self, reward: Array, q: Array, action: Array) -> Array:
        """The reward [] itself."""
        return reward

    def value(self, q: Array) -> Array:
        """The greatest of the action values [actions]."""
        return jnp.max(q)


@component(Bootstrap)
class Double:
    """r + discount * Q_target(s', argmax_a Q_online(s', a)) (van Hasselt et al. 2016, eq. 4).

    The online network prefers the second action, which the target network holds to be worth 2:

    Examples:
        >>> from argmaxq.types import Estimate
        >>> online, target = jnp.array([[0.0], [5.0]]), jnp.array([[4.0], [2.0]])
        >>> there = Estimates(Estimate(online, online[:, 0]), Estimate(target, target[:, 0]))
        >>> step = aq.Transition(obs=(), action=0, reward=1.0, discount=0.5, next_obs=())
        >>> float(Double().target(aq.returns.Scalar(), step, there, there))
        2.0
        >>> float(Max().target(aq.returns.Scalar(), step, there, there))
        3.0
    """

    def target(self, returns: Returns, transition: Transition, here: Estimates, there: Estimates) -> Array:
        """The target of one transition, as ``returns`` has it: of a number []; of atoms or quantiles [size]."""
        action = jnp.argmax(there.online.q)
        return returns.target(transition.reward, transition.discount, entry(there.target.z, action))


@component(Bootstrap)
class Munchausen:
    """Learns from its own policy, the softmax pi of Q / temperature (Vieillard et al. 2020, eq. 1 and 2).

    r + weight * clip(temperature * log pi(a|s), -clip, 0)
    + discount * sum_a' pi(a'|s') (Q(s', a') - temperature * log pi(a'|s')),

    with Q the target network's in all places, or, where an agent has none, the network's own before the update. Of
    distributions the last term is the mixture over actions, moved by the entropy. After n steps, the reward of the
    first has the bonus.

    Attributes:
        weight: How much of the log-policy is added to the reward, alpha in the paper; 0: soft Q-learning.
        temperature: Of the softmax, tau in the paper, in units of (scaled) returns.
        clip: The bonus before it is weighted is not below minus this, -l0 in the paper.

    Examples:
        >>> soft = Munchausen(temperature=1.0)
        >>> round(float(soft.value(jnp.log(jnp.array([1.0, 3.0])))), 3)  # log 4
        1.386
    """

    weight: Fraction = 0.9
    temperature: Positive = 0.03
    clip: NonNegative = 1.0

    def target(self, returns: Returns, transition: Transition, here: Estimates, there: Estimates) -> Array:
        """The target of one transition, as ``returns`` has it: of a number []; of atoms or quantiles [size]."""
        log_policy = self._scaled_log_policy(there.target.q)
        policy = jnp.exp(log_policy / self.temperature)
        reward = self.reward(transition.reward, here.target.q, transition.action)
        entropy = -jnp.sum(policy * log_policy)
        following = returns.mixture(there.target.z, policy)
        return returns.target(reward + transition.discount * entropy, transition.discount, following)

    def reward(self, reward: Array, q: Array, action: Array) -> Array:
        """The reward and the bonus for this action among values q [actions]."""
        return reward + self.weight * jnp.clip(entry(self._scaled_log_policy(q), action), -self.clip, 0.0)

    def value(self, q: Array) -> Array:
        """temperature * log sum_a exp(Q(s, a) / temperature) of action values [actions]."""
        return self.temperature * jax.nn.logsumexp(q / self.temperature)

    def _scaled_log_policy(self, q: Array) -> Array:
        """temperature * log pi [actions]; the greatest value is taken off first, so that nothing overflows."""
        advantage = q - jnp.max(q)
        return advantage - self.temperature * jax.nn.logsumexp(advantage / self.temperature)
