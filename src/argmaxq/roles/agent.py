"""An agent, and what measures one."""

from typing import Any

import jax
from typing_extensions import Protocol, runtime_checkable

from argmaxq.spaces import Spaces
from argmaxq.types import Array, Clock, Metrics, PyTree, Row


class Learner(Protocol):
    """An agent's state: any pytree whose ``params`` are all that acting needs."""

    @property
    def params(self) -> PyTree:
        """All that acting needs."""


@runtime_checkable
class Agent(Protocol):
    """A learning algorithm as a value. Engines do nothing but: collect ``rollout`` rows, remember, learn.

    One whose update is of a few numbers may say so by a true ``light``: compiled blocks are longer then, and seeds take
    turns on a core. One may evaluate other parameters than it acts with: those that its ``policy(learner)`` gives. One
    with a method ``gauge(learner, clock, key)`` tells of its health at the end of some blocks, as ``Gauge`` does. One
    with ``gamma``, ``rewards``, ``total`` (see ``Following``) and ``worth`` (see ``Acting``) has what it expects of
    evaluations' episodes compared with what follows. One whose memory belongs to an episode says so by a true
    ``recurrent``: after an episode's last row it begins anew, and each row keeps what it was in ``before``. Where that
    of ``act`` alone does, by a true ``episodic``: no row keeps it, and the greedy policy has none.
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
        """The behaviour policy in one lane: (action, new memory) for one observation [...]."""

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The evaluation policy for one observation [...]: (action, new memory).

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


class Gauge(Protocol):
    """Measures a learner at a block's end, in the compiled program of each seed, without changing it."""

    def __call__(self, agent: Any, learner: Any, clock: Clock, key: jax.Array) -> Metrics:
        """Single numbers by names of their own."""
