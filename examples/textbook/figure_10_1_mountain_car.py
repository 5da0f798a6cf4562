"""Sutton and Barto, 2nd ed., figures 10.1 and 10.2: MountainCar by SARSA with tiles, without any random action.

Values of 0 are better than any return can be, so the car tries everything by itself. You should see episodes of
hundreds of steps at first (cut at 1000 here) and of little more than 100 in the end, for each of three step sizes.
"""

import numpy as np

import argmaxq as aq
from argmaxq.learning.backups import Sarsa
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.schedules import Constant
from argmaxq.learning.step_sizes import Scheduled
from argmaxq.learning.td import TD
from argmaxq.networks.features import Tiles
from argmaxq.networks.linear import Linear
from argmaxq.training.choose import make_engine

RUNS, EPISODES = 4, 300


def lengths(alpha: float) -> np.ndarray:
    """Mean length [episodes] over the runs."""
    agent = TD(Linear(Tiles(8, (8,))), Sarsa(), Greedy(), Scheduled(Constant(alpha / 8)), gamma=1.0)
    recipe = aq.Recipe(agent, aq.Env("MountainCar-v0", time_limit=1_000))
    engine = make_engine("compiled", recipe, tuple(range(RUNS)))
    state, found, first = engine.start(), [[] for _ in range(RUNS)], 0
    while min(map(len, found)) < EPISODES:
        state, reports = engine.run(state, first, first + 2_000)
        first += 2_000
        for own, report in zip(found, reports, strict=True):
            own.extend(report.episodes.lengths)
    return np.mean([own[:EPISODES] for own in found], axis=0)


if __name__ == "__main__":
    for alpha in (0.1, 0.2, 0.5):
        steps = lengths(alpha)
        shown = "  ".join(f"{steps[at : at + 10].mean():5.0f}" for at in (0, 50, 100, 200, 290))
        print(f"alpha {alpha}/8: steps per episode from episodes 1, 51, 101, 201, 291 on: {shown}")
        assert steps[:10].mean() > 300
        assert steps[-50:].mean() < 160
