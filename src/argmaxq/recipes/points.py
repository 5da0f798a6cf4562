"""Catch Point and Hard Move: steer a point to a target, with hybrid actions."""

from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.pdqn import PDQN
from argmaxq.learning.schedules import Linear
from argmaxq.learning.sync import Polyak
from argmaxq.networks.critics import MultiPass, Quadratic
from argmaxq.networks.heads import Centred
from argmaxq.networks.inputs import Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipe import Env, Evaluation, Recipe
from argmaxq.replay.uniform import Uniform
from argmaxq.types import Critic


def agent(critic: Critic, updates: int) -> PDQN:
    """A longer horizon than Platform's, and targets that follow slowly: with fast ones values run away."""
    annealing = Linear(1.0, 0.0, updates, per="update")
    return PDQN(
        critic=critic,
        actor_network=MLP((128, 128), inputs=Rescaled(), head=Centred()),
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 20_000)),
        replay=Uniform(500_000),
        sync=Polyak(0.01),
        actor_sync=Polyak(0.01),
        optimiser=Adam(5e-4, annealing=annealing, max_grad_norm=10.0),
        actor_optimiser=Adam(2e-4, annealing=annealing, max_grad_norm=10.0),
        gamma=0.95,
        rollout=8,
        updates=4,
    )


def hard_move(n: int) -> Recipe:
    """2^n actions: a pass for each would be too many, so values are quadratic in the strength."""
    env = Env("argmaxq/HardMove-v0", kwargs={"n": n})
    return Recipe(
        agent(Quadratic((128, 128)), 500_000), env, 1_000_000, Evaluation(50_000, 200), checkpoint_every=500_000
    )


RECIPES = {
    "catchpoint/mpdqn": Recipe(
        agent=agent(MultiPass((128, 128)), 150_000),
        env=Env("argmaxq/CatchPoint-v0"),
        steps=300_000,
        evaluation=Evaluation(10_000, 200),
        checkpoint_every=150_000,
    ),
    **{f"hardmove{n}/mpdqn": hard_move(n) for n in (4, 6, 8, 10)},
}
