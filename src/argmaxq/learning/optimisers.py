"""Optax's gradient methods as components: traced hyper-parameters, annealing, clipping by the global norm."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from argmaxq.components.adoption import adopts
from argmaxq.components.annotations import Fraction, NonNegative, Positive
from argmaxq.components.component import component
from argmaxq.components.errors import UserError, told
from argmaxq.learning.schedules import Annealing, Constant
from argmaxq.roles import Optimiser
from argmaxq.types import Array, Clock, PyTree

END_TO_END = 65_536
"""The most parameters that are kept and changed as one vector."""


class _Gradient:
    """What the optimisers share: they differ in ``_direction``, a step of length one per unit of learning rate."""

    learning_rate: Any
    annealing: Any
    max_grad_norm: Any

    def _direction(self) -> optax.GradientTransformation:
        raise NotImplementedError

    def init(self, params: PyTree) -> PyTree:
        """Optimiser state for parameters like these."""
        return self._direction().init(_laid_out(params)[0])

    def rate(self, clock: Clock) -> Array:
        """The present learning rate, []."""
        return self.learning_rate * self.annealing(clock)

    def update(self, gradient: PyTree, state: PyTree, params: PyTree, clock: Clock) -> tuple[PyTree, PyTree]:
        """One step: (new parameters, new state)."""
        laid_out, restore = _laid_out(gradient)
        clipped: Any = clip(laid_out, self.max_grad_norm)
        direction: Any
        direction, state = self._direction().update(clipped, state)
        rate = self.rate(clock)
        return jax.tree.map(lambda p, d: p - rate * d, params, restore(direction)), state


def _laid_out(tree: PyTree) -> tuple[Any, Callable[[Any], PyTree]]:
    """The arrays as they are kept and changed, and what gives them their places again.

    Those of a small network end to end, for there their number costs more than their size. The copying of large ones
    XLA splits among threads, and a part of it can then take several times as long as all else in an update.
    """
    if sum(leaf.size for leaf in jax.tree.leaves(tree)) <= END_TO_END:
        return ravel_pytree(tree)
    return tree, lambda tree: tree


def clip(gradient: PyTree, max_norm: Array | None) -> PyTree:
    """Scale the whole gradient so that its global norm is at most ``max_norm`` [] (Pascanu et al. 2013).

    Examples:
        >>> [round(float(each), 3) for each in clip(jnp.array([3.0, 4.0]), 1.0)]
        [0.6, 0.8]
    """
    if max_norm is None:
        return gradient
    scale = jnp.minimum(1.0, max_norm / jnp.maximum(optax.tree.norm(gradient), 1e-12))
    return jax.tree.map(lambda leaf: leaf * scale, gradient)


@component(Optimiser)
class Adam(_Gradient):
    """Adam (Kingma and Ba 2015).

    Attributes:
        learning_rate: Step size.
        annealing: Factor on the step size.
        max_grad_norm: The gradient's global norm is clipped to it; none: no clipping.
        b1: Decay of the first moment.
        b2: Decay of the second moment.
        eps: Added to the second moment's root.

    The first step has the size of the learning rate, however large the gradient is:

    Examples:
        >>> adam, params = Adam(learning_rate=0.5), jnp.float32(1.0)
        >>> params, state = adam.update(jnp.float32(100.0), adam.init(params), params, aq.Clock())
        >>> round(float(params), 3)
        0.5
    """

    learning_rate: Positive = 1e-3
    annealing: Annealing = Constant(1.0)
    max_grad_norm: Positive | None = None
    b1: Fraction = 0.9
    b2: Fraction = 0.999
    eps: Positive = 1e-8

    def _direction(self) -> optax.GradientTransformation:
        return optax.scale_by_adam(self.b1, self.b2, self.eps)


@component(Optimiser)
class RAdam(_Gradient):
    """Rectified Adam (Liu et al. 2020).

    Attributes:
        learning_rate: Step size.
        annealing: Factor on the step size.
        max_grad_norm: The gradient's global norm is clipped to it; none: no clipping.
        b1: Decay of the first moment.
        b2: Decay of the second moment.
        eps: Added to the second moment's root.
    """

    learning_rate: Positive = 2.5e-4
    annealing: Annealing = Constant(1.0)
    max_grad_norm: Positive | None = 10.0
    b1: Fraction = 0.9
    b2: Fraction = 0.999
    eps: Positive = 1e-8

    def _direction(self) -> optax.GradientTransformation:
        return optax.scale_by_radam(self.b1, self.b2, self.eps)


@component(Optimiser)
class RMSProp(_Gradient):
    """Centred RMSProp (Hinton 2012; Graves 2013), as in Mnih et al. 2015.

    Attributes:
        learning_rate: Step size.
        annealing: Factor on the step size.
        max_grad_norm: The gradient's global norm is clipped to it; none: no clipping.
        decay: Decay of both moments.
        eps: Added to the variance before the root.
    """

    learning_rate: Positive = 2.5e-4
    annealing: Annealing = Constant(1.0)
    max_grad_norm: Positive | None = None
    decay: Fraction = 0.95
    eps: Positive = 0.01 / 32**2

    def _direction(self) -> optax.GradientTransformation:
        return optax.scale_by_stddev(self.decay, self.eps)


@component(Optimiser)
class SGD(_Gradient):
    """Stochastic gradient descent: with 1/2 error^2 on a table this is the textbook's Q += alpha * delta.

    Attributes:
        learning_rate: Step size.
        annealing: Factor on the step size.
        max_grad_norm: The gradient's global norm is clipped to it; none: no clipping.
        momentum: Decay of the accumulated gradient; 0 for none.

    Examples:
        >>> sgd = SGD(learning_rate=0.5)
        >>> params, state = sgd.update(jnp.float32(4.0), sgd.init(jnp.float32(1.0)), jnp.float32(1.0), aq.Clock())
        >>> float(params)  # 1 - 0.5 * 4
        -1.0
    """

    learning_rate: Positive = 0.1
    annealing: Annealing = Constant(1.0)
    max_grad_norm: Positive | None = None
    momentum: NonNegative | None = None

    def _direction(self) -> optax.GradientTransformation:
        return optax.identity() if self.momentum is None else optax.trace(self.momentum)


@component(Optimiser)
class Optax:
    """Any gradient transformation of optax, its learning rate and all.

    Attributes:
        transformation: Such as ``optax.chain(optax.clip(1.0), optax.adam(1e-3))``.
    """

    transformation: Any = None

    def init(self, params: PyTree) -> PyTree:
        """Its state.

        Raises:
            UserError: it needs more than gradients, its state and the parameters, or is not given.
        """
        if self.transformation is None:
            raise UserError("an optax optimiser needs its transformation: give it in Python")
        try:
            state = self.transformation.init(params)
            jax.eval_shape(self._step, params, state, params)
        except Exception as fault:
            words = "the optax transformation fails on gradients, its state and the parameters, all that it gets"
            raise UserError(f"{words} ({told(fault)})") from fault
        return state

    def update(self, gradient: PyTree, state: PyTree, params: PyTree, clock: Clock) -> tuple[PyTree, PyTree]:
        """One step: (new parameters, new state)."""
        return self._step(gradient, state, params)

    def _step(self, gradient: PyTree, state: PyTree, params: PyTree) -> tuple[PyTree, PyTree]:
        updates, state = self.transformation.update(gradient, state, params)
        return optax.apply_updates(params, updates), state


@adopts(Optimiser)
def adopt(value: Any) -> Any:
    """The optimiser that an optax transformation is taken for; None for anything else."""
    made = value.gradient_transformation() if isinstance(value, optax.MultiSteps) else value
    return Optax(made) if isinstance(made, optax.GradientTransformation) else None
