"""Sutton and Barto, 2nd ed., example 6.6 (cliff walking): SARSA earns more while it explores.

You should see Q-learning fall off the cliff again and again while it learns the shortest path along its edge, and
SARSA, which knows that it explores, keep away from it.
"""

import gymnasium as gym
import numpy as np

import argmaxq as aq
from argmaxq.exact import judge, model_of
from argmaxq.learning.backups import QLearning, Sarsa
from argmaxq.learning.schedules import Constant
from argmaxq.learning.step_sizes import Scheduled
from argmaxq.learning.td import TD
from argmaxq.training.choose import make_engine

RUNS, EPISODES, ROWS = 50, 400, 20_000  # these episodes take fewer rows
MODEL = model_of(gym.make("CliffWalking-v1"))


def learn(backup) -> tuple[np.ndarray, list[np.ndarray]]:
    """Mean return of each of the first episodes, and each run's table."""
    agent = TD(backup=backup, step_size=Scheduled(Constant(0.5)), gamma=1.0)
    recipe = aq.Recipe(agent, aq.Env("CliffWalking-v1", time_limit=10_000))
    engine = make_engine("compiled", recipe, tuple(range(RUNS)))
    state, returns = engine.start(), [[] for _ in range(RUNS)]
    for first in range(0, ROWS, 2_000):
        state, reports = engine.run(state, first, first + 2_000)
        for own, report in zip(returns, reports, strict=True):
            own.extend(report.episodes.returns)
    tables = [np.asarray(engine.params(state, run).estimates[0]["weights"])[..., 0] for run in range(RUNS)]
    return np.mean([own[:EPISODES] for own in returns], axis=0), tables


if __name__ == "__main__":
    online = {}
    for name, backup in (("Q-learning", QLearning()), ("SARSA", Sarsa())):
        returns, tables = learn(backup)
        online[name] = returns[EPISODES // 2 :].mean()
        greedy = float(np.median([judge(MODEL, q, 1.0).value for q in tables]))
        print(f"{name:<10} return while learning {online[name]:6.1f}; greedily {greedy:.0f}, the median of {RUNS} runs")
        assert greedy == -13 if backup.estimates == 1 and not backup.waits else greedy <= -15
    assert online["SARSA"] > online["Q-learning"] + 10
