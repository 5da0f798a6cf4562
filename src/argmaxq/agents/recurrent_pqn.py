"""PQN with a network that remembers, from rollouts (Gallici et al. 2025, section 5.5)."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from argmaxq.agents.parts.acting import discrete
from argmaxq.agents.parts.deciding import Allowed
from argmaxq.agents.parts.recurrent import RecurrentActing
from argmaxq.agents.parts.rollouts import RolloutLearner, Rollouts, Shuffled
from argmaxq.components.annotations import Fraction, Size
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Max
from argmaxq.learning.experience import anew
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.keys import axes, of_batch
from argmaxq.learning.optimisers import RAdam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.sync import Averaging
from argmaxq.learning.values import entry
from argmaxq.networks.recurrent import Recurrent
from argmaxq.roles import Agent, Bootstrap, Exploration, OptimiserLike, RecurrentNetwork, Returns, Rewards
from argmaxq.spaces import Legal, Spaces
from argmaxq.types import Array, Clock, Keys, Metrics, PyTree, Row


class Stretch(NamedTuple):
    """One lane's rows [k] to learn from, with what was remembered before the first; see ``pqn.Sample``.

    ``over`` says after which of them memory begins anew.
    """

    obs: Array
    action: Array
    last: Array
    target: Array
    memory: PyTree
    over: Array

    @property
    def weight(self) -> Array:
        """0 for final observations, else 1 [k]."""
        return (~self.last).astype(jnp.float32)


@component(Agent)
class RecurrentPQN(Rollouts, RecurrentActing):
    """Peng's Q(lambda) on fresh rollouts of many lanes, back through time (Gallici et al. 2025).

    What is remembered is carried over from one rollout to the next, and begins anew where an episode ends. A minibatch
    is whole rollouts of some lanes.

    Attributes:
        network: Action values from observations and memory.
        returns: How a return is represented, and its loss.
        bootstrap: What a state is worth: max or munchausen, which need no target network.
        exploration: The behaviour policy.
        optimiser: The gradient method.
        gamma: Discount per env step.
        trace_decay: Lambda of the returns: 0 one-step targets, 1 Monte-Carlo ones.
        rollout: Rows that each lane collects between two calls of learn, through which gradients go back.
        epochs: Passes over each rollout.
        minibatches: Parts that the lanes are split into, one gradient update each.
        rewards: What rewards are in learning; returns are reported raw.
        average: How averaged parameters follow, which are evaluated and saved; none: those that learn.
        legal: Where observations say which actions are allowed, of the environment.
    """

    network: RecurrentNetwork = Recurrent((128,), layer_norm=True)
    returns: Returns = Scalar(Squared())
    bootstrap: Bootstrap = Max()
    exploration: Exploration = EpsilonGreedy()
    optimiser: OptimiserLike = RAdam()
    gamma: Fraction = 0.99
    trace_decay: Fraction = 0.95
    rollout: Size = 64
    epochs: Size = 4
    minibatches: Size = 4
    rewards: Rewards = Scale()
    average: Averaging | None = None
    legal: Allowed = Legal()

    def init(self, key: jax.Array, spaces: Spaces, lanes: int) -> RolloutLearner:
        """A fresh learner.

        Raises:
            UserError: the lanes cannot be split into the minibatches, or actions have parameters.
        """
        if lanes % self.minibatches:
            raise UserError(f"agent.minibatches = {self.minibatches} does not divide {lanes} lanes; change one of them")
        obs = jnp.zeros(spaces.observation.shape, spaces.observation.dtype)
        params = self.network.init(key, obs, (discrete(spaces).n, self.returns.size))
        none = jnp.zeros((lanes, self.rollout), jnp.float32)
        memory = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (lanes, *leaf.shape)), self.memory(spaces))
        stored = jnp.zeros((*none.shape, *spaces.stored.shape), spaces.stored.dtype)
        newest = Stretch(stored, none.astype(jnp.int32), none.astype(bool), none, memory, none.astype(bool))
        begun = self.begun(params, lanes, key)
        return RolloutLearner(params, self.optimiser.init(params), jnp.int32(0), newest, **begun)

    def samples_in(self, lanes: int) -> int:
        """One for each lane."""
        return lanes

    def learn(
        self, learner: RolloutLearner, rows: Row, next_obs: Array, clock: Clock, drawn: Shuffled
    ) -> tuple[RolloutLearner, Metrics]:
        """Lambda-returns once, then ``epochs`` passes over the lanes of rows [k, lanes] in ``minibatches`` parts."""
        return self.passes(learner, self._stretches(learner, rows, next_obs, drawn.looks), drawn, clock, next_obs[0])

    def taken(self, params: PyTree, batch: Stretch, key: Array | None) -> Array:
        """Outputs [batch * k, size] of the actions taken."""
        keys = of_batch(key, batch.last.shape[:1])

        def one(own: Stretch, keys: Keys | None) -> Array:
            z, _ = self.unroll(self.outputs, params, own.memory, own.obs, own.over, keys)
            return jax.vmap(entry)(z, own.action)

        z = jax.vmap(one, (0, axes(keys)))(batch, keys)
        return z.reshape(-1, *z.shape[2:])

    def _stretches(self, learner: RolloutLearner, rows: Row, next_obs: Array, looks: Array | None) -> Stretch:
        """Each lane's rows with their lambda-returns: [lanes, k]."""
        first = jax.tree.map(lambda leaf: leaf[0], rows.before)
        seen = jnp.concatenate([rows.obs, next_obs[jnp.newaxis]])
        over = anew(rows)
        until = jnp.concatenate([over, jnp.zeros_like(over[:1])])
        keys = of_batch(None if looks is None else looks[0], over.shape[1:])
        unroll = jax.vmap(partial(self.unroll, self.estimate), (None, 0, 1, 1, axes(keys)), 1)
        q = unroll(learner.params, first, seen, until, keys)[0].q
        target = self.targets(learner, rows._replace(before=()), q[:-1], q[1:])
        by_time = rows.obs, rows.action, rows.last, target, over
        obs, action, last, target, over = (jnp.swapaxes(leaf, 0, 1) for leaf in by_time)
        return Stretch(obs, action, last, target, first, over)
