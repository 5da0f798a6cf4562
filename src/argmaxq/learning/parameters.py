"""Parts of agents that choose real parameters in [-1, 1]: exploration, bounds, and what an actor is taught by."""

from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import Fraction
from argmaxq.components.component import component
from argmaxq.learning.schedules import Constant, Spread
from argmaxq.types import Array, Clock, PyTree


class ParameterExploration(Protocol):
    """Behaviour parameters made from an actor's."""

    def memory(self, parameters: int) -> PyTree:
        """One lane's state."""

    def noise(self, key: jax.Array, shape: tuple[int, ...], parameters: int) -> PyTree:
        """Random numbers for many choices at once, leading axes ``shape``."""

    def perturb(
        self, parameters: Array, explores: Array, clock: Clock, noise: PyTree, memory: PyTree
    ) -> tuple[Array, PyTree]:
        """Parameters [p] to act with, and the lane's new state; ``explores``: the action is chosen at random."""


@component(ParameterExploration)
class Exact:
    """The actor's parameters as they are."""

    def memory(self, parameters: int) -> PyTree:
        """None is needed."""
        return ()

    def noise(self, key: jax.Array, shape: tuple[int, ...], parameters: int) -> PyTree:
        """Nothing is random here."""
        return ()

    def perturb(
        self, parameters: Array, explores: Array, clock: Clock, noise: PyTree, memory: PyTree
    ) -> tuple[Array, PyTree]:
        """The same parameters [p], and the memory as it is."""
        return parameters, memory


@component(ParameterExploration)
class UniformParameters:
    """Uniformly random parameters where the action is chosen at random, the actor's everywhere else.

    Examples:
        >>> perturb, drawn = UniformParameters().perturb, jnp.array([0.5])
        >>> [float(perturb(jnp.zeros(1), explores, aq.Clock(), drawn, ())[0][0]) for explores in (True, False)]
        [0.5, 0.0]
    """

    def memory(self, parameters: int) -> PyTree:
        """None is needed."""
        return ()

    def noise(self, key: jax.Array, shape: tuple[int, ...], parameters: int) -> Array:
        """Uniform numbers from -1 to 1, [..., parameters] with ``shape`` in front."""
        return jax.random.uniform(key, (*shape, parameters), minval=-1.0)

    def perturb(
        self, parameters: Array, explores: Array, clock: Clock, noise: Array, memory: PyTree
    ) -> tuple[Array, PyTree]:
        """Random parameters [p] where the action is random, bool [], else the same; and the memory as it is."""
        return jnp.where(explores, noise, parameters), memory


@component(ParameterExploration)
class Gaussian:
    """Independent normal noise on top, clipped to the bounds.

    Attributes:
        spread: Standard deviation, where a parameter's range is 2.
        base: What the noise is added to.
    """

    spread: Spread = Constant(0.1)
    base: ParameterExploration = UniformParameters()

    def memory(self, parameters: int) -> PyTree:
        """The base's."""
        return self.base.memory(parameters)

    def noise(self, key: jax.Array, shape: tuple[int, ...], parameters: int) -> tuple[Array, PyTree]:
        """Standard normal numbers, [..., parameters] with ``shape`` in front, and the base's."""
        first, second = jax.random.split(key)
        return jax.random.normal(first, (*shape, parameters)), self.base.noise(second, shape, parameters)

    def perturb(
        self, parameters: Array, explores: Array, clock: Clock, noise: tuple[Array, PyTree], memory: PyTree
    ) -> tuple[Array, PyTree]:
        """Noisy parameters [p] within the bounds, and the base's memory."""
        parameters, memory = self.base.perturb(parameters, explores, clock, noise[1], memory)
        return jnp.clip(parameters + _spread_out(noise[0], self.spread(clock)), -1.0, 1.0), memory


@component(ParameterExploration)
class OrnsteinUhlenbeck:
    """Noise that drifts: x += -reversion x + spread N(0, 1) at each step (Uhlenbeck, Ornstein 1930), on top, clipped.

    Attributes:
        spread: Standard deviation of a step, where a parameter's range is 2.
        reversion: Share of the noise lost at each step.
        base: What the noise is added to.
    """

    spread: Spread = Constant(0.1)
    reversion: Fraction = 0.15
    base: ParameterExploration = UniformParameters()

    def memory(self, parameters: int) -> PyTree:
        """The present noise [parameters], and the base's state."""
        return jnp.zeros(parameters), self.base.memory(parameters)

    def noise(self, key: jax.Array, shape: tuple[int, ...], parameters: int) -> tuple[Array, PyTree]:
        """Standard normal numbers, [..., parameters] with ``shape`` in front, and the base's."""
        first, second = jax.random.split(key)
        return jax.random.normal(first, (*shape, parameters)), self.base.noise(second, shape, parameters)

    def perturb(
        self,
        parameters: Array,
        explores: Array,
        clock: Clock,
        noise: tuple[Array, PyTree],
        memory: tuple[Array, PyTree],
    ) -> tuple[Array, PyTree]:
        """Noisy parameters [p] within the bounds, and the noise [p] as it goes on, beside the base's memory."""
        parameters, base = self.base.perturb(parameters, explores, clock, noise[1], memory[1])
        drift = (1.0 - self.reversion) * memory[0] + _spread_out(noise[0], self.spread(clock))
        return jnp.clip(parameters + drift, -1.0, 1.0), (drift, base)


def _spread_out(noise: Array, spread: Array | float) -> Array:
    """The product, at most the whole range: no more is needed to reach a bound.

    The bound has it rounded in every program, before it is added to: an engine that did both at once has other bits.
    """
    return jnp.clip(spread * noise, -2.0, 2.0)


class Bounding(Protocol):
    """How an actor's outputs are kept within [-1, 1]."""

    def squash(self, raw: Array) -> Array:
        """Outputs [...] as parameters; what is still outside is clipped when acting."""

    def gradient(self, ascent: Array, raw: Array) -> Array:
        """The direction [...] to move outputs in, from the critic's gradient with respect to them."""


@component(Bounding)
class InvertingGradients:
    """Gradients shrink towards the bound they point to, and turn beyond it (Hausknecht and Stone 2016, eq. 11).

    Examples:
        >>> InvertingGradients().gradient(jnp.array([1.0, -1.0]), jnp.array([0.5, 0.5])).tolist()
        [0.25, -0.75]
    """

    def squash(self, raw: Array) -> Array:
        """The outputs [...] as they are."""
        return raw

    def gradient(self, ascent: Array, raw: Array) -> Array:
        """Scaled by the distance to the bound ahead, as a share of the range, [...]."""
        return ascent * jnp.where(ascent > 0, 1.0 - raw, raw + 1.0) / 2.0


@component(Bounding)
class Tanh:
    """A hyperbolic tangent; its own derivative does the rest.

    Examples:
        >>> round(float(Tanh().squash(jnp.float32(100.0))), 3)
        1.0
    """

    def squash(self, raw: Array) -> Array:
        """tanh of the outputs [...]."""
        return jnp.tanh(raw)

    def gradient(self, ascent: Array, raw: Array) -> Array:
        """The gradient [...] unchanged."""
        return ascent


class ActorLoss(Protocol):
    """Which action values the actor is to raise."""

    def weights(self, action: Array, importance: Array, actions: int) -> Array:
        """Weights [batch, actions] of the values, for a batch in which ``action`` [batch] was taken.

        ``importance`` [batch] are the replay's weights, which are part of these; a row of 0 counts for nothing.
        """


@component(ActorLoss)
class Summed:
    """All of them alike: -sum_k Q(s, k, x(s)) (Xiong et al. 2018, eq. 5).

    Examples:
        >>> Summed().weights(jnp.array([1, 0]), jnp.array([0.5, 1.0]), 2).tolist()
        [[0.5, 0.5], [1.0, 1.0]]
    """

    def weights(self, action: Array, importance: Array, actions: int) -> Array:
        """The importance of each row [batch], of all its actions: [batch, actions]."""
        return jnp.broadcast_to(importance[:, jnp.newaxis], (action.shape[0], actions))


@component(ActorLoss)
class Weighted:
    """As often as each action was taken in the batch (Bester et al. 2019).

    Three of four rows took the first action:

    Examples:
        >>> Weighted().weights(jnp.array([0, 0, 0, 1]), jnp.ones(4), 2)[0].tolist()
        [0.75, 0.25]
    """

    def weights(self, action: Array, importance: Array, actions: int) -> Array:
        """The importance of each row, times each action's share of the whole importance, [batch, actions]."""
        counts = jnp.sum(importance[:, jnp.newaxis] * jax.nn.one_hot(action, actions), axis=0)
        share = counts / jnp.maximum(jnp.sum(importance), float(np.finfo(np.float32).tiny))
        return importance[:, jnp.newaxis] * share


@component(ActorLoss)
class Indexed:
    """Only that of the action that was taken (Bester et al. 2019).

    Examples:
        >>> Indexed().weights(jnp.array([1, 0]), jnp.array([0.5, 1.0]), 2).tolist()
        [[0.0, 0.5], [1.0, 0.0]]
    """

    def weights(self, action: Array, importance: Array, actions: int) -> Array:
        """The importance of each row [batch], at the action taken in it, 0 elsewhere: [batch, actions]."""
        return importance[:, jnp.newaxis] * jax.nn.one_hot(action, actions)
