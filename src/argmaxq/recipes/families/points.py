"""Catch Point and Hard Move: steer a point to a target, with hybrid actions."""

from argmaxq.agents.critic_only import CriticOnly
from argmaxq.environments.env import Env
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.networks.heads import Dueling
from argmaxq.networks.interpolated import Interpolated
from argmaxq.networks.quadratic import Quadratic
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Critic


def recipe(env: Env, critic: Critic, rollout: int) -> Recipe:
    """A critic that knows its best parameters needs no actor, and a fifth of the steps that others were given."""
    steps = 200_000
    agent = CriticOnly(
        critic=critic,
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.1, per="run")),
        replay=Uniform(steps),
        optimiser=Adam(5e-4, annealing=TO_ZERO, max_grad_norm=10.0),
        rollout=rollout,
    )
    return Recipe(agent, env, steps, Evaluation(10_000, 200), checkpoint_every=steps // 2)


RECIPES = {
    "catchpoint/mpdqn": recipe(Env("argmaxq/CatchPoint-v0"), Interpolated((128, 128), 25, head=Dueling()), 8),
    # 2^n actions: values quadratic in the strength and made of a few vectors that all of them share.
    **{
        f"hardmove{n}/mpdqn": recipe(Env("argmaxq/HardMove-v0", kwargs={"n": n}), Quadratic((128, 128)), 16)
        for n in (4, 6, 8, 10)
    },
}
