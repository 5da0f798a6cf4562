"""How agents act, and look back over rows, whose network remembers what it saw before."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from argmaxq.types import Array, Clock, Estimate, PyTree, Spaces


class RecurrentActing:
    """Exploring and greedy actions from a recurrent ``network``, ``returns`` and ``exploration``."""

    recurrent: ClassVar[bool] = True
    network: Any
    returns: Any
    exploration: Any

    def memory(self, spaces: Spaces) -> PyTree:
        """What the network remembers before an episode's first observation."""
        return self.network.start()

    @property
    def random(self) -> bool:
        """The network gets no keys."""
        return False

    def noise(self, key: jax.Array, shape: tuple[int, ...], spaces: Spaces) -> PyTree:
        """Exploration's random numbers, leading axes ``shape``."""
        return self.exploration.noise(key, shape)

    def estimate(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Estimate, PyTree]:
        """Outputs and action values of one observation, and the memory after it."""
        z, memory = self.network(params, obs, memory)
        return Estimate(z, self.returns.mean(z)), memory

    def values(self, params: PyTree, memory: PyTree, obs: Array) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, memory, obs)[0].q

    def act(self, params: PyTree, memory: PyTree, obs: Array, clock: Clock, noise: PyTree) -> tuple[Array, PyTree]:
        """The behaviour policy in one lane."""
        estimate, memory = self.estimate(params, memory, obs)
        return self.exploration.choose(estimate.q, clock, noise), memory

    def greedy(self, params: PyTree, memory: PyTree, obs: Array) -> tuple[Array, PyTree]:
        """The action of highest value for one observation."""
        estimate, memory = self.estimate(params, memory, obs)
        return jnp.argmax(estimate.q).astype(jnp.int32), memory

    def unroll(self, params: PyTree, memory: PyTree, obs: Array, last: Array) -> tuple[Estimate, PyTree]:
        """Estimates of successive rows of one lane [k], and the memory after them.

        As in acting, memory begins anew after each episode's last row (``last`` [k]).
        """

        def one(memory: PyTree, row: tuple[Array, Array]) -> tuple[PyTree, Estimate]:
            estimate, after = self.estimate(params, memory, row[0])
            return jax.tree.map(lambda new, old: jnp.where(row[1], new, old), self.network.start(), after), estimate

        memory, estimates = jax.lax.scan(one, memory, (obs, last))
        return estimates, memory
