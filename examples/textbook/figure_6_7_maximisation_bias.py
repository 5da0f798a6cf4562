"""Sutton and Barto, 2nd ed., example 6.7: Q-learning is lured by noise, Double Q-learning is not.

From A one may go right, to the end, with reward 0, or left to B, whose ten actions all end with a reward of mean -0.1
and deviation 1. You should see Q-learning go left most of the time for a while, as the greatest of ten noisy values is
above 0, and Double Q-learning not much more often than the 5 % that an epsilon of 0.1 alone makes. Of equal values the
first is taken here, which goes right, so the lines begin at 5 % and not at a half as in the book.
"""

import jax
import jax.numpy as jnp
import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import train
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Discrete

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.learning.td.backups import DoubleQLearning, QLearning

A, B, END, RUNS, EPISODES = 0, 1, 2, 1_000, 300


class Lure(FuncEnv):  # in A odd actions go left and even ones right, so that chance goes left half of the time
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
    found, _ = train(aq.Recipe(TD(backup=backup, gamma=1.0), aq.Env(Lure)), RUNS, EPISODES)
    return np.mean([own.lengths == 2 for own in found], axis=0)


if __name__ == "__main__":
    out, figure, episodes = place(__file__, __doc__), new_figure(), np.arange(1, EPISODES + 1)
    left = {"Q-learning": went_left(QLearning()), "Double Q-learning": went_left(DoubleQLearning())}
    for name, share in left.items():
        print(f"{name:<18} goes left in at most {share.max():.0%} of the runs, in the end in {share[-20:].mean():.0%}")
    curves = {name: (episodes, 100 * share) for name, share in left.items()} | {"optimal": (episodes, 5 + 0 * episodes)}
    draw_lines(figure.add_subplot(), curves, "episodes", "% left actions from A", f"{RUNS:,} runs").set_ylim(0, 100)
    finish(figure, out)

    assert left["Q-learning"].max() > 0.55
    assert left["Double Q-learning"].max() < 0.25
