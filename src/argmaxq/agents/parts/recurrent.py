"""How agents act, and look back over rows, whose network remembers what it saw before."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.deciding import Deciding
from argmaxq.spaces import Spaces
from argmaxq.types import Array, Estimate, Keys, PyTree


class RecurrentActing(Deciding):
    """Values of each action of one observation, from a network that also sees what it remembers."""

    recurrent: ClassVar[bool] = True

    def memory(self, spaces: Spaces) -> PyTree:
        """What the network remembers before an episode's first observation."""
        return self.network.start()

    def outputs(
        self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None, count: int | None = None
    ) -> tuple[Array, PyTree]:
        """The network's outputs z [actions, size] for one observation, and the memory after it; see ``asked``."""
        found: tuple[Array, PyTree] = self.asked(
            lambda seen, *more: self.network(params, seen, memory, *more), obs, keys, count
        )
        return found

    def estimate(self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None) -> tuple[Estimate, PyTree]:
        """z [actions, size] and q [actions] of one observation [...], and the memory after it."""
        return self.regarded(lambda keys, count: self.outputs(params, memory, obs, keys, count), obs, keys)

    def values(self, params: PyTree, memory: PyTree, obs: Array) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, memory, obs)[0].q

    def judged(self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None) -> tuple[Estimate, PyTree]:
        """The same as ``estimate``: z [actions, size], q [actions], and the memory after one observation [...]."""
        return self.estimate(params, memory, obs, keys)

    def unroll(
        self, look: Callable[..., Any], params: PyTree, memory: PyTree, obs: Array, over: Array, keys: Keys | None
    ) -> tuple[Any, PyTree]:
        """What ``look``, ``outputs`` or ``estimate``, gives for successive rows of one lane [k]; the memory after them.

        As in acting, memory begins anew after each row where an episode is ``over`` [k]. Weights have the same noise in
        all rows, and each row has levels of its own.
        """
        own = None if keys is None else jax.random.split(keys.own, len(obs))

        def one(memory: PyTree, row: tuple[Array, Array, Array | None]) -> tuple[PyTree, Any]:
            obs, over, own = row
            found, after = look(params, memory, obs, None if keys is None else Keys(keys.shared, own))
            return jax.tree.map(lambda new, old: jnp.where(over, new, old), self.network.start(), after), found

        memory, found = jax.lax.scan(one, memory, (obs, over, own))
        return found, memory
