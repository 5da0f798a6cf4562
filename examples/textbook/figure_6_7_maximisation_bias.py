"""Sutton and Barto, 2nd ed., figure 6.7: Q-learning is lured by noise, Double Q-learning is not.

From A one may go right, to the end, with reward 0, or left to B, whose ten actions all end with a reward of mean -0.1
and deviation 1. Going left is a mistake: an epsilon of 0.1 alone goes left in 5 % of the episodes. You should see
Q-learning go left far more often than that at first, since the greatest of ten noisy values is above 0.
"""

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Discrete

import argmaxq as aq
from argmaxq.learning.backups import DoubleQLearning, QLearning
from argmaxq.learning.td import TD
from argmaxq.training.choose import make_engine

A, B, END = 0, 1, 2
RUNS, EPISODES = 1_000, 300


class Lure(FuncEnv):
    """In A odd actions go left and even ones right, so that chance goes left half of the time."""

    observation_space, action_space = Discrete(3), Discrete(10)

    def initial(self, rng, params=None):
        return jnp.int32(A)

    def transition(self, state, action, rng, params=None):
        return jnp.where((state == A) & (action % 2 == 1), B, END).astype(jnp.int32)

    def observation(self, state, rng, params=None):
        return state

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.where(state == B, -0.1 + jax.random.normal(rng), 0.0)

    def terminal(self, state, rng, params=None):
        return state == END


def went_left(backup) -> np.ndarray:
    """Share of runs [episodes] that went left: their episodes are two steps long."""
    recipe = aq.Recipe(TD(backup=backup, gamma=1.0), aq.Env(Lure))
    engine = make_engine("compiled", recipe, tuple(range(RUNS)))
    _, reports = engine.run(engine.start(), 0, 3 * EPISODES)
    return np.mean([report.episodes.lengths[:EPISODES] == 2 for report in reports], axis=0)


if __name__ == "__main__":
    for name, backup in (("Q-learning", QLearning()), ("Double Q-learning", DoubleQLearning())):
        left = went_left(backup)
        shown = "  ".join(f"{100 * left[at : at + 10].mean():4.0f} %" for at in (0, 20, 50, 100, 200, 290))
        print(f"{name:<18} went left in episodes 1, 21, 51, 101, 201, 291 and the nine after: {shown}")
        highest, end = left[:150].max(), left[-20:].mean()
        assert (highest > 0.65) if backup.estimates == 1 else (end < 0.3), (highest, end)
