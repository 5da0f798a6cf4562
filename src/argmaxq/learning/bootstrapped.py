"""Several heads on one network, each with a return of its own: the parts of bootstrapped DQN (Osband et al. 2016)."""

from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.returns import Scalar
from argmaxq.roles import Bootstrap, Exploration, ImplicitReturns, Returns, Voting
from argmaxq.types import FORBIDDEN, Array, Clock, Estimate, Estimates, Metrics, PyTree, Transition

NO_HEAD = -1
"""What is remembered of the acting head before an episode's first action."""


class Goals(NamedTuple):
    """What all heads are taught by one transition.

    Attributes:
        each: The target of each head, [heads, ...].
        taught: Whether it learns from the transition, 1 or 0, [heads].
    """

    each: Array
    taught: Array


@component(Returns)
class Heads:
    """A return for each of several heads, which share all layers but the last: outputs z [heads * size].

    A value is the mean of the heads'. The loss is their mean, too: so the shared layers' gradient is normalised by the
    number of heads, as in section 6.1 there.

    Attributes:
        heads: How many.
        returns: How each of them represents a return.
        greedy: How the greedy policy chooses: what most heads hold best (the better on average among equals), or what
            is best on average.

    Two of three heads hold the second action better, though the first is better on average:

    Examples:
        >>> from argmaxq.types import Estimate
        >>> returns = Heads(3)
        >>> z = jnp.array([[9.0, 0.0, 0.0], [0.0, 1.0, 1.0]])  # of each action, one output of each head
        >>> q = returns.mean(z)
        >>> int(jnp.argmax(q)), int(jnp.argmax(returns.preferred(Estimate(z, q))))
        (0, 1)
    """

    heads: Size = 10
    returns: Returns = Scalar()
    greedy: Literal["vote", "mean"] = "vote"

    def check(self) -> None:
        """Look whether the outputs of several heads can stand side by side.

        Raises:
            UserError: the returns' size is not fixed, or they have heads themselves.
        """
        if isinstance(self.returns, ImplicitReturns | Voting):
            raise UserError("returns = heads: returns of its own must have a fixed size, and no heads themselves")

    @property
    def size(self) -> int:
        """The outputs of all heads for an action."""
        return self.heads * self.returns.size

    def parted(self, z: Array) -> Array:
        """z [..., heads * size] -> [heads, ..., size]."""
        return jnp.moveaxis(z.reshape(*z.shape[:-1], self.heads, self.returns.size), -2, 0)

    def of_each(self, estimate: Estimate) -> Estimate:
        """What each head makes of an observation: z [heads, actions, size] and q [heads, actions]."""
        z = self.parted(estimate.z)
        return Estimate(z, jnp.where(estimate.q == FORBIDDEN, FORBIDDEN, self.returns.mean(z)))

    def preferred(self, estimate: Estimate) -> Array:
        """What the greedy policy takes the highest of, [actions]: values of what has most votes, or of everything."""
        if self.greedy == "mean":
            return estimate.q
        best = jnp.argmax(self.of_each(estimate).q, axis=-1, keepdims=True)
        votes = jnp.sum(best == jnp.arange(estimate.q.shape[-1]), axis=0)
        return jnp.where(votes == jnp.max(votes, axis=-1, keepdims=True), estimate.q, FORBIDDEN)

    def mean(self, z: Array) -> Array:
        """z [..., heads * size] -> [...]."""
        return jnp.mean(self.returns.mean(self.parted(z)), axis=0)

    def mixture(self, z: Array, weights: Array) -> Array:
        """Each head's mixture of z [actions, heads * size] -> [heads * size]."""
        return jax.vmap(self.returns.mixture, (0, None))(self.parted(z), weights).ravel()

    def target(self, reward: Array, discount: Array, z: Array) -> Goals:
        """Each head's target from its own part of z [heads * size]."""
        each = jax.vmap(self.returns.target, (None, None, 0))(reward, discount, self.parted(z))
        return Goals(each, jnp.ones(self.heads))

    def loss(self, z: Array, target: Goals) -> Array:
        """The mean over heads of z [heads * size], of which those that are not taught have no loss."""
        return jnp.mean(target.taught * jax.vmap(self.returns.loss)(self.parted(z), target.each))

    def td_error(self, z: Array, target: Goals) -> Array:
        """The mean size [] of the surprise of those heads that are taught, of z [heads * size]."""
        errors = jnp.abs(jax.vmap(self.returns.td_error)(self.parted(z), target.each))
        return jnp.sum(target.taught * errors) / jnp.maximum(jnp.sum(target.taught), 1.0)


@component(Bootstrap)
class EachHead:
    """Each head's target is made of what it makes itself of the state reached, by another bootstrap.

    A head learns from a transition with probability ``share``, which is drawn once for each place of the replay: so a
    transition has the same heads for as long as it is there.

    Attributes:
        bootstrap: The target of one head.
        share: Probability that a head learns from a transition, p in the paper; 1: all learn from all.
    """

    of_heads: ClassVar[bool] = True
    bootstrap: Bootstrap = Max()
    share: Fraction = 1.0

    def target(self, returns: Any, transition: Transition, here: Estimates, there: Estimates) -> Goals:
        """Targets [heads, ...] of one transition, from z [actions, heads * size] here and there."""

        def one(here: Estimates, there: Estimates) -> Array:
            return self.bootstrap.target(returns.returns, transition, here, there)

        both = [Estimates(*map(returns.of_each, estimates)) for estimates in (here, there)]
        return Goals(jax.vmap(one)(*both), self.taught(transition.place, returns.heads))

    def taught(self, place: Array, heads: int) -> Array:
        """Which heads learn from what stands at a place of the replay: 1 or 0, [heads]."""
        key = jax.random.fold_in(jax.random.key(0), place)
        return jax.random.bernoulli(key, self.share, (heads,)).astype(jnp.float32)


@component(Exploration)
class OneHead:
    """In each episode one head acts, drawn when it begins (Osband et al. 2016, algorithm 1).

    Attributes:
        exploration: How it chooses by its own values.
    """

    of_heads: ClassVar[bool] = True
    exploration: Exploration = Greedy()

    @property
    def masking(self) -> bool:
        """As the head's own exploration."""
        return getattr(self.exploration, "masking", False)

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> tuple[Array, PyTree]:
        """32 random bits (which head?), uint32 [*shape], and the exploration's own numbers for each choice."""
        return jax.random.bits(jax.random.fold_in(key, 1), shape), self.exploration.noise(key, shape)

    def start(self) -> Array:
        """No head acts yet: -1, int32 []."""
        return jnp.int32(NO_HEAD)

    def committed(
        self, returns: Any, estimate: Estimate, head: Array, noise: tuple[Array, PyTree]
    ) -> tuple[Array, Array]:
        """The acting head's values [actions], and which it is."""
        drawn = (noise[0] % returns.heads).astype(jnp.int32)
        head = jnp.where(head == NO_HEAD, drawn, head)
        return returns.of_each(estimate).q[head], head

    def choose(self, q: Array, clock: Clock, noise: tuple[Array, PyTree], allowed: Array | None = None) -> Array:
        """An action for the acting head's values q [actions]."""
        own: Any = self.exploration
        chosen: Array = own.choose(q, clock, noise[1], *([] if allowed is None else [allowed]))
        return chosen

    def explores(self, clock: Clock, noise: tuple[Array, PyTree]) -> Array:
        """Whether that choice is made at random, bool []."""
        return self.exploration.explores(clock, noise[1])

    def report(self, clock: Clock) -> Metrics:
        """That of the head's own exploration."""
        return self.exploration.report(clock)
