"""What the state that one came to is worth, for agents that learn from rows in the order in which they come."""

from typing import ClassVar, Protocol

import jax.numpy as jnp

from argmaxq.components.component import component
from argmaxq.types import Array


class Backup(Protocol):
    """Values a state from action values [actions] there."""

    estimates: ClassVar[int]
    """Independent estimates of the action values that are learnt: 1 or 2."""
    waits: ClassVar[bool]
    """Whether the action taken there must be known."""

    def value(self, own: Array, other: Array, policy: Array, action: Array) -> Array:
        """The state's value, a scalar.

        Args:
            own: Action values [actions] of the estimate that is updated.
            other: Those of the other estimate, of the same one where there is one only.
            policy: Probabilities [actions] of the behaviour policy there.
            action: The action taken there, for backups that wait for it.
        """


@component(Backup)
class QLearning:
    """max_a Q(s', a) (Watkins 1989; Sutton and Barto, 2nd ed., eq. 6.8).

    Examples:
        >>> q = jnp.array([1.0, 3.0])
        >>> float(QLearning().value(q, q, jnp.array([0.5, 0.5]), 0))
        3.0
    """

    estimates: ClassVar[int] = 1
    waits: ClassVar[bool] = False

    def value(self, own: Array, other: Array, policy: Array, action: Array) -> Array:
        """The greatest of own values [actions]."""
        return jnp.max(own)


@component(Backup)
class Sarsa:
    """Q(s', a') of the action taken (Rummery and Niranjan 1994; eq. 6.7).

    Examples:
        >>> q = jnp.array([1.0, 3.0])
        >>> float(Sarsa().value(q, q, jnp.array([0.5, 0.5]), 0))
        1.0
    """

    estimates: ClassVar[int] = 1
    waits: ClassVar[bool] = True

    def value(self, own: Array, other: Array, policy: Array, action: Array) -> Array:
        """The own value [] of the action taken, of values [actions]."""
        return own[action]


@component(Backup)
class ExpectedSarsa:
    """sum_a pi(a | s') Q(s', a) under the behaviour policy pi (van Seijen et al. 2009; eq. 6.9).

    Examples:
        >>> q = jnp.array([1.0, 3.0])
        >>> float(ExpectedSarsa().value(q, q, jnp.array([0.25, 0.75]), 0))
        2.5
    """

    estimates: ClassVar[int] = 1
    waits: ClassVar[bool] = False

    def value(self, own: Array, other: Array, policy: Array, action: Array) -> Array:
        """The mean [] of own values [actions] under the policy [actions]."""
        return jnp.sum(policy * own)


@component(Backup)
class DoubleQLearning:
    """Q_other(s', argmax_a Q_own(s', a)), a coin deciding which of two is updated (van Hasselt 2010; eq. 6.10).

    Examples:
        >>> own, other = jnp.array([1.0, 3.0]), jnp.array([5.0, 2.0])
        >>> float(DoubleQLearning().value(own, other, jnp.array([0.5, 0.5]), 0))
        2.0
    """

    estimates: ClassVar[int] = 2
    waits: ClassVar[bool] = False

    def value(self, own: Array, other: Array, policy: Array, action: Array) -> Array:
        """The other estimate's value [] of the action that the own one prefers, of values [actions]."""
        return other[jnp.argmax(own)]
