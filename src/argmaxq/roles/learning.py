"""The formulas that agents are composed of."""

from typing import Any, TypeAlias

import jax
from typing_extensions import Protocol, runtime_checkable

from argmaxq.types import Array, Clock, Estimate, Estimates, Metrics, PyTree, Row, Transition


class Returns(Protocol):
    """How a return is represented: a number or a distribution. ``z`` are a network's outputs for one action."""

    @property
    def size(self) -> int:
        """Outputs per action."""

    def mean(self, z: Array) -> Array:
        """Expected return of outputs [..., size]."""

    def mixture(self, z: Array, weights: Array) -> Array:
        """Outputs [size] of z [actions, size] where each action is taken with probability ``weights`` [actions]."""

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """The target for reward + discount * Z, z [size] being the bootstrap's outputs."""

    def loss(self, z: Array, target: Array) -> Array:
        """Loss of outputs z [size] against a target."""

    def td_error(self, z: Array, target: Array) -> Array:
        """The size of the surprise, [], for priorities and reports."""


@runtime_checkable
class ImplicitReturns(Returns, Protocol):
    """A distribution whose network is asked for quantiles at levels that are drawn anew."""

    @property
    def quantiles(self) -> int:
        """Levels at which a value is learnt."""

    @property
    def target_quantiles(self) -> int:
        """Levels of its target."""

    @property
    def value_quantiles(self) -> int:
        """Levels whose mean is an action value."""

    def levels(self, key: Array | None, count: int) -> Array:
        """So many levels [count], drawn by a key, or fixed."""


@runtime_checkable
class Voting(Returns, Protocol):
    """Returns of several heads, in which the greedy policy does not always take the highest value."""

    def of_each(self, estimate: Estimate) -> Estimate:
        """What each head makes of an observation: z [heads, actions, size] and q [heads, actions]."""

    def preferred(self, estimate: Estimate) -> Array:
        """What the greedy policy takes the highest of, [actions]."""


class Bootstrap(Protocol):
    """Owns the target: what a transition's next state is worth."""

    def target(self, returns: Any, transition: Transition, here: Estimates, there: Estimates) -> Array:
        """The target of one transition, as ``returns.target`` makes it.

        Args:
            returns: How returns are represented.
            transition: With a scalar reward [] and discount [].
            here: Both networks' estimates of ``obs``: z [actions, size], q [actions].
            there: Both networks' estimates of ``next_obs``.
        """


@runtime_checkable
class TargetFree(Bootstrap, Protocol):
    """A bootstrap that can do without a target network."""

    def reward(self, reward: Array, q: Array, action: Array) -> Array:
        """The reward that is learnt from, after this action with values q [actions] at hand."""

    def value(self, q: Array) -> Array:
        """What a state of action values q [actions] is worth."""


class Rewards(Protocol):
    """What rewards are in learning; returns are always reported as the environment's rewards make them.

    A reward is mapped by ``each`` when its row is remembered, a discounted sum of such by ``total``, a linear map,
    whenever it is learnt from.
    """

    def init(self, lanes: int) -> PyTree:
        """What is remembered of the rewards of so many lanes; often ``()``."""

    def see(self, state: PyTree, rows: Row, gamma: Array) -> PyTree:
        """The state after rows [k, lanes], whose rewards ``each`` has mapped."""

    def each(self, reward: Array) -> Array:
        """What one env step's reward is, elementwise [...]."""

    def total(self, state: PyTree, reward: Array) -> Array:
        """What a discounted sum of rewards is, elementwise [...]."""


class Exploration(Protocol):
    """A behaviour policy made from action values.

    One that draws among allowed actions alone says so by a true ``masking``: its ``choose``, and its ``probabilities``
    if it knows them, then take those ``allowed`` (bool [actions]), too. Values of others are ``FORBIDDEN``.
    """

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> PyTree:
        """Random numbers for many choices at once, leading axes ``shape``."""

    def choose(self, q: Array, clock: Clock, noise: PyTree) -> Array:
        """An action for values q [actions]."""

    def explores(self, clock: Clock, noise: PyTree) -> Array:
        """Whether that choice is made at random, bool []."""

    def report(self, clock: Clock) -> Metrics:
        """What to show of it, such as epsilon."""


@runtime_checkable
class Committed(Exploration, Protocol):
    """A behaviour policy that stays with something for an episode."""

    def start(self) -> PyTree:
        """What is remembered of it before an episode's first action."""

    def committed(self, returns: Any, estimate: Estimate, memory: PyTree, noise: PyTree) -> tuple[Array, PyTree]:
        """Values [actions] of one observation, by which it then chooses, and what is remembered."""


class Schedule(Protocol):
    """A number that depends on the clock."""

    def __call__(self, clock: Clock) -> Array:
        """The number now, []."""


class Sync(Protocol):
    """How the target network follows the online one."""

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        """New target parameters after gradient update number ``update``, [] (the first is 1)."""


class Optimiser(Protocol):
    """A gradient method; the state is a pytree."""

    def init(self, params: PyTree) -> PyTree:
        """The state before the first update."""

    def update(self, gradient: PyTree, state: PyTree, params: PyTree, clock: Clock) -> tuple[PyTree, PyTree]:
        """(new parameters, new state)."""


OptimiserLike: TypeAlias = Optimiser | Any
"""An optimiser, or what is taken for one: an optax transformation."""
