"""Eligibility traces: how far each parameter is to blame for the present error (Sutton and Barto, 2nd ed., ch. 12)."""

from typing import ClassVar, Literal, Protocol

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Fraction
from argmaxq.components.component import component
from argmaxq.types import Array, PyTree

Cut = Literal["never", "watkins", "peng"]


class Traces(Protocol):
    """A trace z shaped like the parameters."""

    true_online: ClassVar[bool]
    """Whether the update corrects for values that changed since the step before (van Seijen et al. 2016)."""

    @property
    def trace_decay(self) -> Array:
        """Lambda, []."""

    @property
    def cut(self) -> Cut:
        """What an action that is not greedy does to the trace."""

    def grown(self, faded: PyTree, gradient: PyTree, decay: Array, step: Array) -> PyTree:
        """The trace after a step.

        Args:
            faded: The trace before it, times ``decay``.
            gradient: That of Q(s, a) of the step.
            decay: gamma * lambda, or 0 where the trace was cut, [].
            step: The step size, [].
        """


@component(Traces)
class Accumulating:
    """z <- gamma lambda z + gradient (eq. 12.5).

    Attributes:
        trace_decay: Lambda: 0 for one-step learning, 1 for returns.
        cut: What an action that is not greedy does to traces; never: nothing (SARSA(lambda)); watkins: it ends them, so
            that only greedy actions follow what is learnt about (Watkins 1989); peng: nothing, but earlier steps
            learn from the values of states instead of those of the actions taken (Peng and Williams 1996).

    Examples:
        >>> Accumulating().grown(jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0]), 0.9, 0.1).tolist()
        [1.5, 0.5]
    """

    trace_decay: Fraction = 0.9
    cut: Cut = "never"
    true_online: ClassVar[bool] = False

    def grown(self, faded: PyTree, gradient: PyTree, decay: Array, step: Array) -> PyTree:
        """The gradient added to the faded trace; ``decay`` [] and ``step`` [] do not matter."""
        return jax.tree.map(jnp.add, faded, gradient)


@component(Traces)
class Replacing:
    """z <- gradient where that is not 0, else gamma lambda z: for features of 0 and 1 (Singh and Sutton 1996).

    Attributes:
        trace_decay: Lambda: 0 for one-step learning, 1 for returns.
        cut: What an action that is not greedy does to traces: never, watkins or peng; see ``Accumulating``.

    Examples:
        >>> Replacing().grown(jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0]), 0.9, 0.1).tolist()
        [1.0, 0.5]
    """

    trace_decay: Fraction = 0.9
    cut: Cut = "never"
    true_online: ClassVar[bool] = False

    def grown(self, faded: PyTree, gradient: PyTree, decay: Array, step: Array) -> PyTree:
        """The gradient in place of the faded trace where it is not 0; ``decay`` [] and ``step`` [] do not matter."""
        return jax.tree.map(lambda z, g: jnp.where(g != 0, g, z), faded, gradient)


@component(Traces)
class Dutch:
    """z <- gamma lambda z + (1 - alpha gamma lambda z.gradient) gradient (eq. 12.11), with the true online update.

    For linear values this is exactly the forward view as it stands at each step (van Seijen et al. 2016).

    Attributes:
        trace_decay: Lambda: 0 for one-step learning, 1 for returns.
        cut: What an action that is not greedy does to traces: never, watkins or peng; see ``Accumulating``.

    Examples:
        >>> Dutch().grown(jnp.array([0.5]), jnp.array([1.0]), 0.9, step=0.5).tolist()  # 0.5 + (1 - 0.5 * 0.5)
        [1.25]
    """

    trace_decay: Fraction = 0.9
    cut: Cut = "never"
    true_online: ClassVar[bool] = True

    def grown(self, faded: PyTree, gradient: PyTree, decay: Array, step: Array) -> PyTree:
        """The faded trace, and the gradient less what of it is there already, by the step size []."""
        overlap = sum(jnp.vdot(z, g) for z, g in zip(*map(jax.tree.leaves, (faded, gradient)), strict=True))
        return jax.tree.map(lambda z, g: z + (1.0 - step * overlap) * g, faded, gradient)
