"""Sutton and Barto, 2nd ed., figure 7.2: n-step temporal differences on a random walk of 19 states.

Leaving on the left pays -1, on the right 1. You should see a bowl for each n: the error over the first 10 episodes is
least at some step size, a smaller one for a greater n, and an n in between, about 4, does best of all.
"""

import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import constant, long_walk_errors

from argmaxq.agents.td import TD
from argmaxq.learning.exploration import Greedy

RUNS, STEPS = 100, (1, 2, 4, 8, 16)
ALPHAS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

if __name__ == "__main__":
    out, curves = place(__file__, __doc__), {}
    for n in STEPS:
        agents = [TD(exploration=Greedy(), step_size=constant(a), gamma=1.0, n_step=n) for a in ALPHAS]
        curves[n] = long_walk_errors(agents, RUNS)
        print(f"n = {n:<2} least error {curves[n].min():.3f} with alpha = {ALPHAS[curves[n].argmin()]}")

    figure = new_figure()
    named = {f"n = {n}": (np.array(ALPHAS), error) for n, error in curves.items()}
    up = "average RMS error over\n19 states and first 10 episodes"
    draw_lines(figure.add_subplot(), named, "alpha", up).set_ylim(0.25, 0.55)
    finish(figure, out)

    least = {n: error.min() for n, error in curves.items()}
    best = [ALPHAS[error.argmin()] for error in curves.values()]
    assert min(least, key=least.get) == 4
    assert least[4] < 0.9 * min(least[1], least[16])
    assert best == sorted(best, reverse=True)
