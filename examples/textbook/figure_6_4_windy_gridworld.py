"""Sutton and Barto, 2nd ed., example 6.5 (windy gridworld): SARSA finds the way across a wind that blows upwards.

Each step costs 1. You should see, on the left, episodes get shorter: the line grows steeper. With a step size that
falls every run finds a path of 15 steps (right), the shortest, and exploring episodes take 17.05, as is exact.
"""

import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import table, train

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.domains.tables import Tables
from argmaxq.exact import Outcomes, from_outcomes, judge
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.learning.td.backups import Sarsa
from argmaxq.learning.td.step_sizes import Scheduled

SHAPE, START, GOAL, RUNS = (7, 10), 30, 37, 10
WIND = np.array([0, 0, 0, 1, 1, 1, 2, 2, 1, 0])


def windy() -> Outcomes:
    """The gridworld as transition tables [70 states, 4 actions: up, right, down, left, 1 outcome]; row 0 is the top."""
    row, column = (each.ravel()[:, None] for each in np.indices(SHAPE))
    places = row + np.array([-1, 0, 1, 0]) - WIND[column], column + np.array([0, 1, 0, -1])
    following = np.ravel_multi_index(places, SHAPE, mode="clip")[..., None]
    cost, ends = np.full(following.shape, -1.0), following == GOAL
    return Outcomes(-cost, following, cost, ends, np.eye(70)[START])


def learn(world: Outcomes, alpha: aq.Schedule, episodes: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Lengths [runs, episodes], and each run's table [70, 4]."""
    agent = TD(backup=Sarsa(), step_size=Scheduled(alpha), gamma=1.0)  # epsilon is 0.1
    found, params = train(aq.Recipe(agent, aq.Env(lambda: Tables(world))), RUNS, episodes)
    return np.array([own.lengths for own in found]), [np.asarray(table(each)) for each in params]


if __name__ == "__main__":
    out, figure, world, steps = place(__file__, __doc__), new_figure(11), windy(), np.arange(8_001)
    found = {"alpha = 0.5": learn(world, Constant(0.5), 230)}
    lengths, tables = found["alpha falling"] = learn(world, Linear(0.5, 0.02, 40_000), 2_300)
    greedy, pace = {-judge(from_outcomes(world), q, 1.0).value for q in tables}, lengths[:, -300:].mean()
    print(f"greedy paths of all {RUNS} runs: {greedy} steps; exploring ones in the end: {pace:.2f} steps")

    left, right = figure.subplots(1, 2)
    counts = [np.mean([np.searchsorted(run.cumsum(), steps) for run in own], axis=0) for own, _ in found.values()]
    curves = {name: (steps, count) for name, count in zip(found, counts, strict=True)}
    draw_lines(left, curves, "time steps", "episodes", f"SARSA, mean of {RUNS} runs")
    path = [START]
    while path[-1] != GOAL:
        path.append(world.following[path[-1], tables[0][path[-1]].argmax(), 0])
    draw_lines(right, {"path": np.unravel_index(path, SHAPE)[::-1]}, "wind", "", f"greedy path, {len(path) - 1} steps")
    right.set(xlim=(-0.5, 9.5), ylim=(6.5, -0.5), xticks=range(10), xticklabels=WIND, yticks=[], aspect="equal")
    finish(figure, out)

    assert greedy == {15.0}
    assert abs(pace - 17.05) < 0.3
    assert 130 < counts[0][-1] < 190
