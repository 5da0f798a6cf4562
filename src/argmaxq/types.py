"""The words everything else is written in: rows of experience, transitions, the clock, spaces and the protocols."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax
import numpy as np

Array = Any
"""A JAX or NumPy array. Shapes stand in the docstrings; axes are named time k, lanes, batch."""
PyTree = Any
Metrics = dict[str, Array]


class Row(NamedTuple):
    """One ``env.step`` of one lane: what was seen and done, and what followed.

    ``last`` marks the observation after an episode's end: its action is ignored by the environment, its reward is 0
    and it is never learnt from as a start; the next row holds the next episode's first observation. So row t+1 always
    holds the true next observation of row t, also at a time limit, and each observation is stored once.
    """

    obs: Array
    action: Array
    reward: Array
    terminated: Array
    truncated: Array
    last: Array


class Transition(NamedTuple):
    """What a formula sees: ``reward`` = sum of gamma^i r_i, ``discount`` = gamma^n, or 0 after a termination."""

    obs: Array
    action: Array
    reward: Array
    discount: Array
    next_obs: Array


class Batch(NamedTuple):
    """Sampled transitions with their importance weights and where in the replay they came from; leading axis batch."""

    transition: Transition
    weight: Array
    index: Array


class Clock(NamedTuple):
    """What schedules may depend on: env steps of all lanes, finished episodes, gradient updates (int32 each)."""

    step: Array = 0
    episode: Array = 0
    update: Array = 0


START = Clock()


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype name of one array, and the least and greatest value of each entry, flat, where known.

    ``categories`` is not 0 where the array is an index 0 .. categories - 1 without any order, such as a state's number.
    """

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    high: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    categories: int = 0


@dataclasses.dataclass(frozen=True)
class DiscreteActions:
    """Actions 0 .. n-1. Adaptors translate them to the environment's own format."""

    n: int

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec((), "int32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions [count]."""
        return generator.integers(self.n, size=count, dtype=np.int32)


@dataclasses.dataclass(frozen=True)
class HybridActions:
    """Actions of which each has parameters of its own (Masson et al. 2016).

    One action is one float32 array [1 + parameters]: the number of the chosen action, then the parameters of all
    actions one after the other, each scaled to [-1, 1]. Adaptors translate it to the environment's own format.

    Attributes:
        sizes: How many parameters each action has.
    """

    sizes: tuple[int, ...]

    @property
    def n(self) -> int:
        return len(self.sizes)

    @property
    def parameters(self) -> int:
        """How many parameters all actions have together."""
        return sum(self.sizes)

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec((1 + self.parameters,), "float32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions with uniformly random parameters [count, 1 + parameters]."""
        chosen = generator.integers(self.n, size=(count, 1))
        return np.hstack([chosen, generator.uniform(-1, 1, (count, self.parameters))]).astype(np.float32)


Actions: TypeAlias = DiscreteActions | HybridActions


@dataclasses.dataclass(frozen=True)
class Spaces:
    """What an agent must know of an environment: the array it observes and the actions it may take."""

    observation: ArraySpec
    action: Actions


class Learner(Protocol):
    """An agent's state: any pytree whose ``params`` are all that acting needs."""

    @property
    def params(self) -> PyTree: ...


@runtime_checkable
class Agent(Protocol):
    """A learning algorithm as a value. Engines do nothing but: collect ``rollout`` rows, remember, learn.

    One whose update is of a few numbers may say so by a true ``light``: compiled blocks are longer then, and seeds take
    turns on a core.
    """

    @property
    def rollout(self) -> int:
        """Rows per lane between two calls of ``learn``."""

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> Any:
        """A fresh learner: parameters, target network, optimiser state, replay."""

    def actor(self, spaces: Spaces) -> PyTree:
        """One lane's acting state (noise, normaliser); often ``()``."""

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> PyTree:
        """Exploration's random numbers for many steps at once, each leaf with leading axes ``shape``."""

    def act(self, params: PyTree, actor: PyTree, obs: Array, clock: Clock, noise: PyTree) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane: (action, new acting state)."""

    def greedy(self, params: PyTree, obs: Array) -> Array:
        """The evaluation policy for one observation."""

    def remember(self, learner: Any, rows: Row) -> Any:
        """Store rows [k, lanes]."""

    def cut(self, learner: Any, lanes: Array) -> Any:
        """Make the newest row of these lanes [m] a truncation: what follows in them begins with a final observation."""

    def draw(self, key: jax.Array, lanes: int) -> PyTree:
        """The random numbers of one call of ``learn``; engines draw those of many calls at once."""

    def learn(self, learner: Any, rows: Row, next_obs: Array, clock: Clock, drawn: PyTree) -> tuple[Any, Metrics]:
        """Learn after rows [k, lanes]; ``next_obs`` [lanes, ...] is what the last row led to.

        The metrics are scalars, among them ``updates``, the gradient updates done in this call; where it is 0 the
        others mean nothing.
        """


class Network(Protocol):
    """A function approximator. Outputs have shape [actions, size], ``size`` being what the returns need per action."""

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for observations like ``obs`` (one, without a batch axis) and outputs [actions, size]."""

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; ``key`` feeds noisy layers."""


class Critic(Protocol):
    """Values of parameterised actions: outputs [critics, actions, size], of one critic or of several side by side."""

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """Parameters for observations like ``obs`` (one, without a batch axis) and ``size`` outputs per action."""

    def __call__(self, params: PyTree, obs: Array, parameters: Array) -> Array:
        """Outputs [critics, actions, size] for one observation and the parameters of all actions, flat, in [-1, 1]."""


@runtime_checkable
class MaximisableCritic(Critic, Protocol):
    """A critic whose best parameters are known, so that no actor has to look for them."""

    def of(self, params: PyTree, obs: Array, action: Array, parameters: Array) -> Array:
        """Outputs [size] of one action, an integer, with the parameters [parameters] of all actions at hand."""

    def best(self, params: PyTree, obs: Array, mean: Callable[[Array], Array]) -> tuple[Array, Array]:
        """The greatest values [actions] within the bounds and the parameters [parameters] that have them.

        ``mean`` maps outputs [..., size] to expected returns [...].
        """


class Returns(Protocol):
    """How a return is represented: a number, later a distribution. ``z`` are a network's outputs for one action."""

    @property
    def size(self) -> int:
        """Outputs per action."""

    def mean(self, z: Array) -> Array:
        """Expected return of outputs [..., size]."""

    def target(self, reward: Array, discount: Array, z: Array) -> Array:
        """The target for reward + discount * Z, z [size] being the bootstrap's outputs."""

    def loss(self, z: Array, target: Array) -> Array:
        """Loss of outputs z [size] against a target."""

    def td_error(self, z: Array, target: Array) -> Array:
        """The size of the surprise, for priorities and reports."""


class Bootstrap(Protocol):
    """Owns the target: what a transition's next state is worth."""

    def target(self, returns: Any, transition: Transition, online: Array, target: Array) -> Array:
        """Target of one transition from the outputs [actions, size] of both networks at ``next_obs``."""


class Exploration(Protocol):
    """A behaviour policy made from action values."""

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> PyTree:
        """Random numbers for many choices at once, leading axes ``shape``."""

    def choose(self, q: Array, clock: Clock, noise: PyTree) -> Array:
        """An action for values q [actions]."""

    def explores(self, clock: Clock, noise: PyTree) -> Array:
        """Whether that choice is made at random."""

    def report(self, clock: Clock) -> Metrics:
        """What to show of it, such as epsilon."""


class Schedule(Protocol):
    """A number that depends on the clock."""

    def __call__(self, clock: Clock) -> Array: ...


class Sync(Protocol):
    """How the target network follows the online one."""

    def __call__(self, target: PyTree, params: PyTree, update: Array) -> PyTree:
        """New target parameters after gradient update number ``update`` (the first is 1)."""


class Optimiser(Protocol):
    """A gradient method; the state is a pytree."""

    def init(self, params: PyTree) -> PyTree: ...

    def update(self, gradient: PyTree, state: PyTree, params: PyTree, clock: Clock) -> tuple[PyTree, PyTree]:
        """(new parameters, new state)."""


class Replay(Protocol):
    """Time-ordered experience; each observation stored once, n-step windows folded when sampled."""

    def init(self, spaces: Spaces, lanes: int, least: int) -> PyTree:
        """Empty storage; raises UserError where a lane would get fewer than ``least`` rows."""

    def add(self, state: PyTree, rows: Row, n: int) -> PyTree:
        """Append rows [k, lanes]; ``n`` is the window's length, of use to priorities."""

    def cut(self, state: PyTree, lanes: Array) -> PyTree:
        """Make the newest row of these lanes [m] a truncation."""

    def sample(self, state: PyTree, bits: Array, n: int, gamma: Array, clock: Clock) -> Batch:
        """A batch of n-step transitions chosen by random ``bits`` (uint32 [batch])."""

    def batches(
        self, state: PyTree, bits: Array, n: int, gamma: Array, clock: Clock
    ) -> Callable[[PyTree, Array], Batch]:
        """(state, i) -> batch i of ``bits`` [updates, batch]; the state is as the updates before it left it."""

    def reprioritise(self, state: PyTree, index: Array, td_error: Array) -> PyTree:
        """Take notice of new TD errors [batch] of sampled transitions."""
