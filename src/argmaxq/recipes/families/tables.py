"""Gymnasium's environments given by tables: FrozenLake, Taxi, CliffWalking, whose optimal values are known exactly."""

import dataclasses

from argmaxq.agents.td import TD
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.learning.td.backups import Backup, DoubleQLearning, ExpectedSarsa, QLearning, Sarsa
from argmaxq.learning.td.step_sizes import VisitCount
from argmaxq.networks.linear import Table
from argmaxq.recipes.recipe import Evaluation, Recipe

# Step sizes fall with the visits of each entry, so that values settle; at first they learn a whole target.
LAKE = TD(
    network=Table(initial=1.0),  # more than any return, so that everything is tried
    exploration=EpsilonGreedy(Constant(0.3)),
    step_size=VisitCount(1.0, 100.0),
    gamma=0.99,
)
TAXI = TD(exploration=EpsilonGreedy(Constant(0.1)), step_size=VisitCount(1.0, 100.0), gamma=0.99)
# Where no action is in vain, random ones lead through every state, and the more of them the sooner.
MASKED_TAXI = dataclasses.replace(TAXI, exploration=EpsilonGreedy(Constant(0.5)))


def cliff(backup: Backup, epsilon: float = 0.1) -> Recipe:
    """CliffWalking, undiscounted; no episode ends by itself before the goal, so a limit is set."""
    agent = TD(
        backup=backup,
        exploration=EpsilonGreedy(Constant(epsilon)),
        step_size=VisitCount(1.0, 100.0, 0.8),
        gamma=1.0,
    )
    return Recipe(agent, Env("CliffWalking-v1", time_limit=1_000), 400_000, Evaluation(100_000, 1))


RECIPES = {
    "frozenlake/q": Recipe(LAKE, Env("FrozenLake-v1"), 1_000_000, Evaluation(250_000, 100)),
    "frozenlake8x8/q": Recipe(
        dataclasses.replace(LAKE, exploration=EpsilonGreedy(Constant(0.1))),
        Env("FrozenLake8x8-v1"),
        4_000_000,
        Evaluation(1_000_000, 100),
        checkpoint_every=1_000_000,
    ),
    "taxi/q": Recipe(TAXI, Env("Taxi-v4"), 500_000, Evaluation(100_000, 100)),
    "taxi/masked-q": Recipe(MASKED_TAXI, Env("Taxi-v4", mask="info"), 300_000, Evaluation(100_000, 100)),
    "cliff/q": cliff(QLearning()),
    # These learn what their own exploring is worth, so they keep away from the cliff: -17 and -15 for -13.
    "cliff/sarsa": cliff(Sarsa()),
    "cliff/expected-sarsa": cliff(ExpectedSarsa()),
    # With epsilon 0.1 it sees the cliff's edge too rarely to unlearn its first impressions of it, and stays at -17.
    "cliff/double-q": cliff(DoubleQLearning(), epsilon=0.5),
}
