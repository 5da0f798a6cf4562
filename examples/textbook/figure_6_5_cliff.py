"""Sutton and Barto, 2nd ed., example 6.6 (cliff walking): SARSA earns more while it explores.

You should see Q-learning fall off the cliff again and again while it learns the shortest path along its edge, which
returns -13, and SARSA, which knows that it explores, keep away from it: -17 greedily, and more than Q-learning online.
"""

import gymnasium as gym
import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import constant, table, train

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.exact import judge, model_of
from argmaxq.learning.td.backups import QLearning, Sarsa
from argmaxq.reporting.pictures import trailing_mean

RUNS, EPISODES = 50, 400
MODEL = model_of(gym.make("CliffWalking-v1"))


def learn(backup) -> tuple[np.ndarray, float]:
    """Mean return [episodes] while learning, and the median of the runs' greedy policies' exact values."""
    agent = TD(backup=backup, step_size=constant(0.5), gamma=1.0)  # epsilon is 0.1
    found, params = train(aq.Recipe(agent, aq.Env("CliffWalking-v1", time_limit=10_000)), RUNS, EPISODES)
    greedy = np.median([judge(MODEL, table(each), 1.0).value for each in params])
    return np.mean([own.returns for own in found], axis=0), float(greedy)


if __name__ == "__main__":
    out, figure, curves, online, greedy = place(__file__, __doc__), new_figure(), {}, {}, {}
    for name, backup in (("SARSA", Sarsa()), ("Q-learning", QLearning())):
        returns, greedy[name] = learn(backup)
        curves[name] = np.arange(1, EPISODES + 1), trailing_mean(returns, 10)
        online[name] = returns[EPISODES // 2 :].mean()
        print(f"{name:<10} return while learning {online[name]:.1f}; greedily {greedy[name]:.0f} (median)")

    title = f"cliff walking, mean of {RUNS} runs and 10 episodes"
    draw_lines(figure.add_subplot(), curves, "episodes", "sum of rewards during episode", title).set_ylim(-100, -10)
    finish(figure, out)

    assert greedy["Q-learning"] == -13
    assert greedy["SARSA"] == -17
    assert online["SARSA"] > online["Q-learning"] + 10
