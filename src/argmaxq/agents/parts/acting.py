"""How agents act that learn one value for each action."""

from functools import partial

import jax.numpy as jnp

from argmaxq.agents.parts.deciding import Deciding
from argmaxq.components.errors import UserError
from argmaxq.roles import Committed
from argmaxq.spaces import BranchedActions, DiscreteActions, Spaces
from argmaxq.types import Array, Estimate, Keys, PyTree


def counted(count: int) -> str:
    """A number that may be huge, in few letters."""
    return f"{count:,}" if count < 10**15 else f"about 10^{len(str(count)) - 1}"


def discrete(spaces: Spaces) -> DiscreteActions:
    """The actions, for an agent that needs discrete ones.

    Raises:
        UserError: they have parameters, or are several choices at once.
    """
    if isinstance(spaces.action, BranchedActions):
        raise UserError(
            f"these actions are several choices at once, {counted(spaces.action.n)} combinations, of which this agent "
            "would need a value each: bdq fits"
        )
    if not isinstance(spaces.action, DiscreteActions):
        advice = "use an agent such as pdqn, or make them discrete by env.choices, values for each action's parameters"
        raise UserError(f"these actions have parameters, which this agent cannot choose: {advice}")
    return spaces.action


class Acting(Deciding):
    """Values of each action of one observation, from a network that sees nothing else."""

    def memory(self, spaces: Spaces) -> PyTree:
        """What exploration stays with for an episode, if it does; else acting has no state of its own."""
        return self.exploration.start() if self.episodic else ()

    @property
    def episodic(self) -> bool:
        """Whether what acting remembers belongs to an episode."""
        return isinstance(self.exploration, Committed)

    def outputs(self, params: PyTree, obs: Array, keys: Keys | None = None, count: int | None = None) -> Array:
        """The network's outputs z [actions, size] for one observation; see ``asked``."""
        z: Array = self.asked(partial(self.network, params), obs, keys, count)
        return z

    def estimate(self, params: PyTree, obs: Array, key: Keys | None = None) -> Estimate:
        """Outputs z [actions, size] and values q [actions] of one observation [...]."""
        return self.regarded(lambda key, count: (self.outputs(params, obs, key, count), ()), obs, key)[0]

    def values(self, params: PyTree, obs: Array, key: Keys | None = None) -> Array:
        """Action values [actions] of one observation."""
        return self.estimate(params, obs, key).q

    def judged(self, params: PyTree, memory: PyTree, obs: Array, keys: Keys | None = None) -> tuple[Estimate, PyTree]:
        """The estimate z [actions, size], q [actions] of one observation [...], and the memory as it is."""
        return self.estimate(params, obs, keys), memory

    def forward(self, params: PyTree, obs: Array, action: Array) -> Array:
        """What the network that is learnt gives for one observation [...], [actions, size], whatever the action."""
        return self.outputs(params, obs)

    def preferences(self, params: PyTree, obs: Array) -> Array:
        """What the greedy policy takes the highest of, [actions]."""
        return self.preferred(self.estimate(params, obs))

    def worth(self, params: PyTree, obs: Array) -> Array:
        """The discounted return [] that the greedy policy is expected to have from one observation [...] on."""
        return jnp.max(self.values(params, obs))
