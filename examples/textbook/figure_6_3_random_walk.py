"""Sutton and Barto, 2nd ed., example 6.2 (random walk): one-step temporal differences find the values i / 6.

Five states in a row, a step to either side with equal chance, reward 1 on leaving on the right. With one action,
control is prediction. You should see the root mean squared error fall from that of 0.5 everywhere, and larger steps
learn faster at first and worse in the end.
"""

import numpy as np

import argmaxq as aq
from argmaxq.domains.tables import Tables
from argmaxq.exact import Outcomes
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.schedules import Constant
from argmaxq.learning.step_sizes import Scheduled
from argmaxq.learning.td import TD
from argmaxq.networks.linear import Table
from argmaxq.training.choose import make_engine

STATES, RUNS, TRUTH = 5, 100, np.arange(1, 6) / 6


def walk() -> Tables:
    """The walk as transition tables [states, 1 action, 2 outcomes]."""
    beside = np.arange(STATES)[:, None, None] + np.array([-1, 1])
    ends = (beside < 0) | (beside == STATES)
    chance = np.full(beside.shape, 0.5)
    start = np.eye(STATES)[STATES // 2]
    return Tables(Outcomes(chance, beside.clip(0, STATES - 1), (beside == STATES) * 1.0, ends, start))


def errors(alpha: float) -> np.ndarray:
    """Root mean squared error, mean over the runs, after each 50 rows."""
    agent = TD(Table(initial=0.5), exploration=Greedy(), step_size=Scheduled(Constant(alpha)), gamma=1.0)
    engine = make_engine("compiled", aq.Recipe(agent, aq.Env(walk)), tuple(range(RUNS)))
    state, found = engine.start(), []
    for first in range(0, 1_000, 50):
        state, _ = engine.run(state, first, first + 50)
        values = np.asarray(state.learner.params.estimates[0]["weights"])[:RUNS, :, 0, 0]
        found.append(np.sqrt(np.mean((values - TRUTH) ** 2, axis=1)).mean())
    return np.array(found)


if __name__ == "__main__":
    curves = {alpha: errors(alpha) for alpha in (0.05, 0.1, 0.15)}
    for alpha, curve in curves.items():
        print(f"alpha {alpha:<5} error after 50, 250, 500, 1000 rows: {np.round(curve[[0, 4, 9, 19]], 3)}")
    assert curves[0.15][1] < curves[0.05][1] < 0.24
    assert curves[0.05][-1] < curves[0.15][-1]
    assert curves[0.05][-1] < 0.07
