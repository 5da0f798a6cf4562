"""What an agent and each of its parts must be able to do: the roles under which components are registered."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import jax

from argmaxq.types import Array, Batch, Clock, Estimates, Metrics, PyTree, Row, Spaces, Transition


class Learner(Protocol):
    """An agent's state: any pytree whose ``params`` are all that acting needs."""

    @property
    def params(self) -> PyTree: ...


@runtime_checkable
class Agent(Protocol):
    """A learning algorithm as a value. Engines do nothing but: collect ``rollout`` rows, remember, learn.

    One whose update is of a few numbers may say so by a true ``light``: compiled blocks are longer then, and seeds take
    turns on a core. One may evaluate other parameters than it acts with: those that its ``policy(learner)`` gives. One
    with a method ``gauge(learner, clock, key)`` tells of its health at the end of some blocks, as ``Gauge`` does. One
    with ``gamma``, ``rewards``, ``total`` (see ``Following``) and ``worth`` (see ``Acting``) has what it expects of
    evaluations' episodes compared with what follows. One whose memory belongs to an episode says so by a true
    ``recurrent``: after an episode's last row it begins anew, and each row keeps what it was in ``before``.
    """

    @property
    def rollout(self) -> int:
        """Rows per lane between two calls of ``learn``."""

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> Any:
        """A fresh learner: parameters, target network, optimiser state, replay."""

    def memory(self, spaces: Spaces) -> PyTree:
        """What acting in one lane remembers at first (drifting noise, a recurrent network's state); often ``()``."""

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> PyTree:
        """Acting's random numbers for many steps at once, each leaf with leading axes ``shape``."""

    def act(self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: PyTree) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane: (action, new memory)."""

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The evaluation policy for one observation: (action, new memory).

        Where the agent is not recurrent it is given ``()`` as its memory.
        """

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


class RecurrentNetwork(Protocol):
    """A network whose outputs depend on what it saw before, of which it keeps a memory, any pytree of arrays."""

    def start(self) -> PyTree:
        """The memory before an episode's first observation."""

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for observations like ``obs`` (one, without a batch axis) and outputs [actions, size]."""

    def __call__(
        self, params: PyTree, obs: Array, memory: PyTree, key: jax.Array | None = None
    ) -> tuple[Array, PyTree]:
        """Outputs [actions, size] for one observation after what the memory holds, and the memory after it."""


class Network(Protocol):
    """A function approximator. Outputs have shape [actions, size], ``size`` being what the returns need per action.

    One whose outputs depend on the key says so by a true ``random``; any other never gets one. One whose products fill
    a core by themselves may say so by a true ``heavy``: seeds that are trained at once then take turns on it.
    """

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Parameters for observations like ``obs`` (one, without a batch axis) and outputs [actions, size]."""

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation; ``key`` feeds noisy layers, none: as they are without noise."""


@runtime_checkable
class CopyingNetwork(Network, Protocol):
    """A network that is quicker with copies of its parameters at hand: it takes ``Prepared`` ones, too.

    Agents that learn from batches in a loop carry the copies in it, and make them anew after the optimiser's step.
    """

    def copies(self, params: PyTree) -> PyTree:
        """What is to be kept ready of the parameters; no gradient goes to it."""


@runtime_checkable
class ImplicitNetwork(Network, Protocol):
    """A network of quantiles at any levels; ``implicit`` says whether it is one as it is configured."""

    @property
    def implicit(self) -> bool: ...

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None, levels: Array | None = None) -> Array:
        """Quantiles at ``levels`` [n] for one observation, each beside its level: [actions, n, 2]."""


NetworkLike: TypeAlias = Network | Any
"""A network, or what is taken for one: a module of Flax Linen, Flax NNX or Equinox."""


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
        """The size of the surprise, for priorities and reports."""


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


class Bootstrap(Protocol):
    """Owns the target: what a transition's next state is worth."""

    def target(self, returns: Any, transition: Transition, here: Estimates, there: Estimates) -> Array:
        """Target of one transition from both networks' estimates of ``obs`` (here) and ``next_obs`` (there)."""


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
        """What one env step's reward is, elementwise."""

    def total(self, state: PyTree, reward: Array) -> Array:
        """What a discounted sum of rewards is, elementwise."""


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


@runtime_checkable
class Masking(Exploration, Protocol):
    """A behaviour policy that draws among the allowed actions alone."""

    def choose_allowed(self, q: Array, allowed: Array, clock: Clock, noise: PyTree) -> Array:
        """An action among those ``allowed`` (bool [actions]); the values q [actions] of others are ``FORBIDDEN``."""


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


OptimiserLike: TypeAlias = Optimiser | Any
"""An optimiser, or what is taken for one: an optax transformation."""


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


class Gauge(Protocol):
    """Measures a learner at a block's end, in the compiled program of each seed, without changing it."""

    def __call__(self, agent: Any, learner: Any, clock: Clock, key: jax.Array) -> Metrics:
        """Single numbers by names of their own."""


@runtime_checkable
class SequenceReplay(Replay, Protocol):
    """A replay that gives whole sequences of rows, too, as recurrent networks learn from."""

    def init(self, spaces: Spaces, lanes: int, least: int, before: PyTree = ()) -> PyTree:
        """Empty storage, also of what is like ``before``, a lane's memory."""

    def add(self, state: PyTree, rows: Row, n: int, stride: int | None = None) -> PyTree:
        """Append rows [k, lanes], of which windows of n begin everywhere, or every ``stride`` rows."""

    def sequences(self, state: PyTree, bits: Array, n: int, clock: Clock) -> Batch:
        """Rows [batch, n] that follow one another, ``before`` being what was remembered before the first."""
