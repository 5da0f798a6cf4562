"""Robot soccer: kick a ball past a keeper, with hybrid actions; +50 for a goal."""

from argmaxq.agents.critic_only import CriticOnly
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns import Scalar
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.networks.interpolated import Interpolated
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform


def goal(id: str) -> Recipe:
    """Shots at either corner are peaks apart, between which an actor would have to choose once for all."""
    agent = CriticOnly(
        critic=Interpolated((128, 128), knots=21),
        returns=Scalar(),
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.2, per="run")),
        replay=Uniform(300_000),
        optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
        gamma=0.95,
        updates=2,
        rewards=Scale(0.02),
    )
    # The mode with the reference's faults and its 17 features, as published figures have it.
    env = Env(id, kwargs={"legacy": True, "features": True})
    return Recipe(agent, env, 300_000, Evaluation(10_000, 500), checkpoint_every=150_000)


RECIPES = {"goal/mpdqn": goal("argmaxq/Goal-v0"), "hardgoal/mpdqn": goal("argmaxq/HardGoal-v0")}
