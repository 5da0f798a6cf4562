"""Function approximators: networks of action values, and critics of parameterised actions."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
from typing_extensions import Protocol, runtime_checkable

from argmaxq.types import Array, PyTree


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
    a core by themselves may say so by a true ``heavy``: seeds that are trained at once then take turns; a lone one
    has all cores.
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

    def microbatch(self, count: int) -> int:
        """How many of ``count`` observations are best differentiated at once: a divisor of it, or all of them."""


@runtime_checkable
class ImplicitNetwork(Network, Protocol):
    """A network of quantiles at any levels; ``implicit`` says whether it is one as it is configured."""

    @property
    def implicit(self) -> bool:
        """Whether it is one, as it is configured."""

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None, levels: Array | None = None) -> Array:
        """Quantiles at ``levels`` [n] for one observation, each beside its level: [actions, n, 2]."""


NetworkLike: TypeAlias = Network | Any
"""A network, or what is taken for one: a module of Flax Linen, Flax NNX or Equinox."""


class Critic(Protocol):
    """Values of parameterised actions: outputs [critics, actions, size], of one critic or of several side by side."""

    def init(self, key: jax.Array, obs: Array, size: int) -> PyTree:
        """Parameters for one observation like ``obs`` [...] and ``size`` outputs per action."""

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


def heavy(agent: Any) -> bool:
    """Whether an agent's network says that its products fill a core by themselves."""
    return getattr(getattr(agent, "network", None), "heavy", False)
