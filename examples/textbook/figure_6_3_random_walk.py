"""Sutton and Barto, 2nd ed., example 6.2 (random walk): one-step temporal differences find the values i / 6.

Five states in a row, a step to either side with equal chance, reward 1 on leaving on the right. With one action,
control is prediction. You should see, on the left, one run's values come to lie round the true line and, on the right,
the root mean squared error fall from that of 0.5 everywhere: larger steps learn faster and are worse in the end.
"""

import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import at_ends, constant, table, walk, watch

from argmaxq.agents.td import TD
from argmaxq.domains.tables import Tables
from argmaxq.learning.exploration import Greedy
from argmaxq.networks.linear import Table

STATES, RUNS, EPISODES, SHOWN = 5, 100, 100, (0, 1, 10, 100)
ALPHAS, TRUTH = (0.05, 0.1, 0.15), np.arange(1, STATES + 1) / (STATES + 1)


def learn() -> np.ndarray:
    """Values after 0, 1, 2, ... episodes, [alphas, runs, 1 + episodes, states]."""
    agents = [TD(Table(initial=0.5), exploration=Greedy(), step_size=constant(a), gamma=1.0) for a in ALPHAS]
    seen = watch(agents, Tables(walk(STATES)), lambda params: table(params)[:, 0], RUNS, rows=1_500)
    values = at_ends(*seen, EPISODES)
    return np.concatenate([np.full_like(values[:, :, :1], 0.5), values], axis=2)


if __name__ == "__main__":
    out, values = place(__file__, __doc__), learn()
    errors = np.sqrt(np.mean((values - TRUTH) ** 2, axis=-1)).mean(axis=1)
    for alpha, error in zip(ALPHAS, errors, strict=True):
        print(f"alpha {alpha:<5} error after 0, 10, 25, 50, 100 episodes: {np.round(error[[0, 10, 25, 50, 100]], 3)}")

    figure = new_figure(11)
    left, right = figure.subplots(1, 2)
    names, alpha = list("ABCDE"), ALPHAS.index(0.1)
    estimates = {f"after {n}": (names, values[alpha, 0, n]) for n in SHOWN} | {"true values": (names, TRUTH)}
    draw_lines(left, estimates, "state", "estimated value", "one run, alpha = 0.1")
    curves = {f"alpha = {a}": (np.arange(EPISODES + 1), error) for a, error in zip(ALPHAS, errors, strict=True)}
    up = "empirical RMS error, averaged over states"
    draw_lines(right, curves, "walks / episodes", up, f"TD(0), mean of {RUNS} runs")
    right.set_ylim(0)
    finish(figure, out)

    assert errors[2, 10] < errors[1, 10] < errors[0, 10] < errors[0, 0]
    assert errors[0, 100] < errors[1, 100] < errors[2, 100]
    assert errors[0, 100] < 0.05
