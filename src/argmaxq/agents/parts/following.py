"""What follows an agent's rows and updates: rewards as they are learnt, running scales, averaged parameters."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from argmaxq.learning.normalisers import scaled_as, seen
from argmaxq.spaces import Legal
from argmaxq.types import Array, PyTree, Row

NETWORKS = ("params", "target", "average")
"""Parameters of a learner that see observations in the same scales; an agent may lack the later ones."""


class Following:
    """The learner is a NamedTuple with ``params``, ``updates``, ``rewards``, ``average`` and maybe ``target``."""

    former: ClassVar[dict[str, str]] = {"reward_scale": "rewards.factor"}
    """Where values stand now, by the names that fields of earlier versions had."""
    rewards: Any
    average: Any
    gamma: Any
    resets: Any = None
    legal: Any = Legal()
    network: Any
    returns: Any
    values: Any
    optimiser: Any

    def begun(self, params: PyTree, lanes: int, key: jax.Array) -> dict[str, PyTree]:
        """The learner's fields ``rewards`` and ``average`` before the first row, ``seed`` where there are resets."""
        fields = {"rewards": self.rewards.init(lanes), "average": ()}
        if self.average is not None:
            fields["average"] = jax.tree.map(jnp.copy, params)
        if self.resets is not None:
            self.resets.renewed(params, params)  # tells here of a layer that there is not
            fields["seed"] = jax.random.key_data(key)
        return fields

    def noticed(self, learner: Any, rows: Row) -> tuple[Any, Row]:
        """The learner whose running scales have taken up rows [k, lanes], and these with each reward mapped."""
        rows = rows._replace(reward=self.rewards.each(rows.reward))
        rewards = self.rewards.see(learner.rewards, rows, self.gamma)
        learner = learner._replace(params=seen(learner.params, self.legal.seen(rows.obs)), rewards=rewards)
        return _rescaled(learner, learner.params), rows

    def total(self, learner: Any, reward: Array) -> Array:
        """What discounted sums of mapped rewards [...] are learnt as, [...]."""
        return self.rewards.total(learner.rewards, reward)

    def followed(self, learner: Any, before: PyTree) -> Any:
        """The learner after an update of parameters ``before``: averaged, its scales as they were."""
        if self.average is not None:
            learner = learner._replace(average=self.average(learner.average, learner.params, learner.updates))
        return _rescaled(learner, before)

    def renewed(self, learner: Any, before: Any, obs: Array) -> Any:
        """The learner ``before`` a call of learn and after it, its network begun anew if that is due.

        ``obs`` [...] is any observation.
        """
        if self.resets is None:
            return learner
        there = {name: getattr(learner, name) for name in (*NETWORKS, "optimiser") if hasattr(learner, name)}

        def anew(there: dict[str, PyTree]) -> dict[str, PyTree]:
            outputs = *jax.eval_shape(self.values, learner.params, obs).shape, self.returns.size
            key = jax.random.fold_in(jax.random.wrap_key_data(learner.seed), learner.updates)
            params = self.resets.renewed(learner.params, self.network.init(key, self.legal.seen(obs), outputs))
            params = scaled_as(params, learner.params)
            return {
                name: self.optimiser.init(params) if name == "optimiser" else params if jax.tree.leaves(old) else old
                for name, old in there.items()
            }

        due = self.resets.due(before.updates, learner.updates)
        return learner._replace(**jax.lax.cond(due, anew, lambda same: same, there))

    def policy(self, learner: Any) -> PyTree:
        """The parameters that are evaluated and kept as a policy: averaged ones, if there are any."""
        return learner.params if self.average is None else learner.average


def _rescaled(learner: Any, params: PyTree) -> Any:
    """Every network of the learner with the running scales of ``params``: no gradient, sync or average moves these."""
    there = {name: getattr(learner, name) for name in NETWORKS if jax.tree.leaves(getattr(learner, name, ()))}
    return learner._replace(**{name: scaled_as(own, params) for name, own in there.items()})
