"""Sutton and Barto, 2nd ed., example 6.6 (cliff walking): SARSA earns more while it explores.

You should see Q-learning fall off the cliff again and again while it learns the shortest path along its edge, and
SARSA, which knows that it explores, keep away from it.
"""

import gymnasium as gym
import numpy as np

import argmaxq as aq
from argmaxq.exact import evaluate_policy, model_of
from argmaxq.learning.backups import QLearning, Sarsa
from argmaxq.learning.schedules import Constant
from argmaxq.learning.step_sizes import Scheduled
from argmaxq.learning.td import TD
from argmaxq.training.choose import make_engine

RUNS, ROWS = 50, 14_000  # of each run; 500 episodes need fewer
MODEL = model_of(gym.make("CliffWalking-v1"))


def learn(backup) -> tuple[np.ndarray, list[np.ndarray]]:
    """Mean return of each of the first 500 episodes, and each run's greedy policy."""
    agent = TD(backup=backup, step_size=Scheduled(Constant(0.5)), gamma=1.0)
    recipe = aq.Recipe(agent, aq.Env("CliffWalking-v1", time_limit=10_000))
    engine = make_engine("compiled", recipe, tuple(range(RUNS)))
    state, returns = engine.start(), [[] for _ in range(RUNS)]
    for first in range(0, ROWS, 2_000):
        state, reports = engine.run(state, first, first + 2_000)
        for own, report in zip(returns, reports, strict=True):
            own.extend(report.episodes.returns)
    tables = [np.asarray(engine.params(state, run).estimates[0]["weights"])[..., 0] for run in range(RUNS)]
    return np.mean([own[:500] for own in returns], axis=0), [table.argmax(axis=1) for table in tables]


def worth(policy: np.ndarray) -> float:
    """Exact return of a policy from the start; minus infinity where it walks in a circle."""
    try:
        return float(MODEL.start @ evaluate_policy(MODEL, policy, 1.0))
    except aq.UserError:
        return -np.inf


if __name__ == "__main__":
    online = {}
    for name, backup in (("Q-learning", QLearning()), ("SARSA", Sarsa())):
        returns, policies = learn(backup)
        online[name] = returns[250:].mean()
        greedy = float(np.median([worth(policy) for policy in policies]))
        print(f"{name:<10} return while learning {online[name]:6.1f}; greedily {greedy:.0f}, the median of {RUNS} runs")
        assert greedy == -13 if backup.estimates == 1 and not backup.waits else greedy <= -15
    assert online["SARSA"] > online["Q-learning"] + 10
