"""Sutton and Barto, 2nd ed., figures 10.1 and 10.2: MountainCar by SARSA with tiles, without any random action.

Values of 0 are better than any return can be, so the car tries everything by itself. You should see, on the left, the
cost-to-go rise where the car has been and in the end from the goal towards slow cars in the valley and, on the right,
episodes of hundreds of steps at first and of little more than 100 in the end: the larger the step size, the sooner.
"""

import jax
import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import blocks, constant

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.environments.source import compiled
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.td.backups import Sarsa
from argmaxq.networks.features import Tiles
from argmaxq.networks.linear import Linear

RUNS, EPISODES, CAR = 20, 500, aq.Env("MountainCar-v0", time_limit=10_000)
GRID = np.stack(np.meshgrid(np.linspace(-1.2, 0.5, 40), np.linspace(-0.07, 0.07, 40)), axis=-1).astype(np.float32)


def learn(alpha: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Mean length of each episode; -max Q of one run over the grid after 2,000 steps and after all episodes."""
    agent = TD(Linear(Tiles(8, (8,))), Sarsa(), Greedy(), constant(alpha / 8), gamma=1.0)
    values, costs = bind(agent, compiled(CAR).spaces).values, []
    for found, params in blocks(aq.Recipe(agent, CAR), RUNS):
        over = min(len(own.step) for own in found) >= EPISODES
        if over or not costs:
            costs.append(-jax.vmap(jax.vmap(lambda obs: values(params[0], obs)))(GRID).max(axis=-1))  # noqa: B023
        if over:
            return np.mean([own.lengths[:EPISODES] for own in found], axis=0), costs


if __name__ == "__main__":
    out, figure, found = place(__file__, __doc__), new_figure(14), {alpha: learn(alpha) for alpha in (0.1, 0.2, 0.5)}
    for alpha, (steps, _) in found.items():
        shown = "  ".join(f"{steps[at : at + 10].mean():5.0f}" for at in (0, 50, 100, 200, 490))
        print(f"alpha {alpha}/8: steps per episode from episodes 1, 51, 101, 201, 491 on: {shown}")
    costs = dict(zip(("after 2,000 steps", f"after {EPISODES} episodes"), found[0.5][1], strict=True))
    for number, (name, cost) in enumerate(costs.items()):
        print(f"cost-to-go of a slow car in the valley {name}: {cost[20, 16]:.0f}")
        axes = figure.add_subplot(1, 3, number + 1, projection="3d")
        axes.plot_wireframe(GRID[..., 0], GRID[..., 1], cost, color="black", linewidth=0.5)
        axes.set(xlabel="position", xticks=(-1.2, -0.5, 0.5), ylabel="velocity", yticks=(-0.07, 0, 0.07))
        axes.set_title(f"cost-to-go {name}")
    axes = figure.add_subplot(1, 3, 3)
    curves = {f"alpha = {alpha}/8": (np.arange(1, EPISODES + 1), steps) for alpha, (steps, _) in found.items()}
    draw_lines(axes, curves, "episode", "steps per episode, log scale", f"mean of {RUNS} runs")
    axes.set(yscale="log", yticks=(100, 200, 400, 1_000), yticklabels=("100", "200", "400", "1000"))
    finish(figure, out)

    assert all(steps[:10].mean() > 300 and steps[-50:].mean() < 160 for steps, _ in found.values())
    early = [steps[:100].mean() for steps, _ in found.values()]
    assert early == sorted(early, reverse=True)
    assert 90 < cost[20, 16] < 130
