"""Targets of one transition: what the state it led to is worth."""

import jax.numpy as jnp

from argmaxq.components.component import component
from argmaxq.learning.values import entry
from argmaxq.roles import Bootstrap, Returns
from argmaxq.types import Array, Transition


@component(Bootstrap)
class Max:
    """r + discount * max_a Q_target(s', a) (Watkins 1989; Mnih et al. 2015)."""

    def target(self, returns: Returns, transition: Transition, online: Array, target: Array) -> Array:
        """Target from both networks' outputs [actions, size] at the next state; ``online`` is not used."""
        action = jnp.argmax(returns.mean(target))
        return returns.target(transition.reward, transition.discount, entry(target, action))


@component(Bootstrap)
class Double:
    """r + discount * Q_target(s', argmax_a Q_online(s', a)) (van Hasselt et al. 2016, eq. 4)."""

    def target(self, returns: Returns, transition: Transition, online: Array, target: Array) -> Array:
        """Target from both networks' outputs [actions, size] at the next state."""
        action = jnp.argmax(returns.mean(online))
        return returns.target(transition.reward, transition.discount, entry(target, action))
