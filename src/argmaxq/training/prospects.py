"""What an agent expects of greedy episodes at their start, beside the discounted return that follows."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.recipes.recipe import Diagnostics
from argmaxq.roles import Agent
from argmaxq.types import Array


class Prospects(NamedTuple):
    """Of episodes [n]: first and newest observations, the discounted sum of rewards, the discount of what follows.

    That is 0 after a termination; at a time limit the newest observation is worth what the agent says.
    """

    first: Array
    newest: Array
    followed: Array
    discount: Array


class Outlook(NamedTuple):
    """Expected and actual discounted returns [episodes], in the units of what is learnt."""

    foreseen: np.ndarray
    followed: np.ndarray

    def told(self) -> dict[str, float]:
        """Means of both, and the mean and standard deviation of what is expected too much."""
        excess = self.foreseen - self.followed
        found = {"q_foreseen": self.foreseen.mean(), "q_followed": self.followed.mean()}
        return {
            name: float(value) for name, value in (found | {"q_bias": excess.mean(), "q_spread": excess.std()}).items()
        }


def foresees(agent: Agent, wanted: Diagnostics) -> bool:
    """Whether an agent says what an episode is worth to it, and how it learns from rewards, and is asked."""
    return bool(wanted.every) and all(hasattr(agent, name) for name in ("worth", "rewards", "total", "gamma"))


def begun(obs: Array) -> Prospects:
    """Those of episodes that begin with observations [n, ...]."""
    return Prospects(obs, obs, jnp.zeros(len(obs)), jnp.ones(len(obs)))


def grown(agent: Any, before: Prospects, playing: Array, outcome: Any, obs: Array) -> Prospects:
    """After one more step of the episodes that are ``playing`` [n]; ``obs`` [n, ...] is what it led to."""
    discount = jnp.where(outcome.terminated, 0.0, agent.gamma * before.discount)

    def kept(new: Array, old: Array) -> Array:
        return jnp.where(playing.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    after = Prospects(
        before.first, obs, before.followed + before.discount * agent.rewards.each(outcome.reward), discount
    )
    return jax.tree.map(kept, after, before)


def settled(agent: Any, params: Any, learner: Any, prospects: Prospects) -> tuple[Array, Array]:
    """Expected and actual discounted returns [n] of the policy ``params``, in the units of what is learnt."""
    worth = jax.vmap(agent.worth, (None, 0))
    foreseen, newest = (worth(params, obs) for obs in (prospects.first, prospects.newest))
    rest = jnp.where(prospects.discount > 0, prospects.discount * newest, 0.0)
    return foreseen, agent.total(learner, prospects.followed) + rest


class Ledger:
    """Keeps the prospects of episodes that are played on the host, whichever are under way in a step."""

    def __init__(self, agent: Any, episodes: int) -> None:
        self._gamma, self._each, self._begun = float(agent.gamma), agent.rewards.each, np.zeros(episodes, bool)
        self.prospects: Prospects | None = None

    def note(self, numbers: Any, obs: np.ndarray, rewards: Any, terminated: Any, following: np.ndarray) -> None:
        """One step of the episodes with these numbers [m], from observations [m, ...] to the ``following`` ones."""
        episodes = len(self._begun)
        if self.prospects is None:
            empty, zeros = np.zeros((episodes, *obs.shape[1:]), obs.dtype), np.zeros(episodes, np.float32)
            self.prospects = Prospects(empty, empty.copy(), zeros, zeros + 1)
        first, newest, followed, discount = self.prospects
        numbers = np.asarray(numbers)
        fresh = ~self._begun[numbers]
        first[numbers[fresh]], newest[numbers] = obs[fresh], following
        self._begun[numbers] = True
        followed[numbers] += discount[numbers] * np.asarray(self._each(np.asarray(rewards, np.float32)))
        discount[numbers] *= np.where(terminated, 0.0, self._gamma)
