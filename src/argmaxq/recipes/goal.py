"""Robot soccer: kick a ball past a keeper, with hybrid actions; +50 for a goal."""

from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.pdqn import PDQN
from argmaxq.learning.schedules import Linear
from argmaxq.learning.sync import Polyak
from argmaxq.networks.critics import MultiPass
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipe import Env, Evaluation, Recipe
from argmaxq.replay.uniform import Uniform


def goal(id: str) -> Recipe:
    """From Bester et al.'s values; ours: epsilon by steps, the mean of several steps' rewards, rates that fall to 0."""
    annealing = Linear(1.0, 0.0, 300_000, per="update")
    agent = PDQN(
        critic=MultiPass((256,)),
        actor_network=MLP((256,), inputs=Rescaled(), head=Centred()),
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 50_000)),
        replay=Uniform(300_000),
        sync=Polyak(0.01),
        actor_sync=Polyak(0.01),
        optimiser=Adam(1e-3, annealing=annealing, max_grad_norm=1.0),
        actor_optimiser=Adam(1e-4, annealing=annealing, max_grad_norm=1.0),
        gamma=0.95,
        n_step=3,
        reward_scale=0.02,
    )
    # The mode with the reference's faults and its 17 features, as published figures have it.
    env = Env(id, kwargs={"legacy": True, "features": True})
    return Recipe(agent, env, 300_000, Evaluation(10_000, 200), checkpoint_every=150_000)


RECIPES = {"goal/mpdqn": goal("argmaxq/Goal-v0"), "hardgoal/mpdqn": goal("argmaxq/HardGoal-v0")}
