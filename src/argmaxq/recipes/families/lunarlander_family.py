"""LunarLander-v3 with other members of DQN's family: each is a recipe of ``lunarlander`` with other values."""

from argmaxq.components.paths import replace
from argmaxq.learning.bootstrap import Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.returns import Categorical, HLGauss, ImplicitQuantile
from argmaxq.learning.schedules import Linear
from argmaxq.networks.heads import Dueling, Implicit
from argmaxq.networks.layers import Noisy
from argmaxq.recipes.families.lunarlander import RECIPES as LUNARLANDER
from argmaxq.replay.prioritised import Prioritised

PLAIN, PARALLEL = LUNARLANDER["lunarlander/ddqn"], LUNARLANDER["lunarlander/pqn"]
BOUND = 30.0
"""Discounted returns, of a tenth of the reward, lie within +-this."""

LANES = {"env.lanes": 8, "agent.rollout": 2, "agent.updates": 8}

RECIPES = {
    # Hessel et al. 2018; only the head is noisy, and epsilon helps it at first.
    "lunarlander/rainbow": replace(
        PLAIN,
        LANES
        | {
            "agent.network.layer_norm": True,
            "agent.network.head": Dueling(Noisy()),
            "agent.returns": Categorical(61, -BOUND, BOUND),
            "agent.exploration": EpsilonGreedy(Linear(1.0, 0.01, 0.1, per="run")),
            "agent.replay": Prioritised(200_000, alpha=0.5),
        },
    ),
    # Vieillard et al. 2020, with three steps and dueling; on lanes, whose actions cost little more than one.
    "lunarlander/m-iqn": replace(
        PLAIN,
        LANES
        | {
            "agent.network.layer_norm": True,
            "agent.network.head": Implicit(16, Dueling()),
            "agent.returns": ImplicitQuantile(8, 8, 8),
            "agent.bootstrap": Munchausen(),
        },
    ),
    # Wide bins: a step of the logits moves a value in proportion to its histogram's variance, finer ones learn slowly.
    # Four passes over a rollout; with two it takes half as many steps again until it is solved.
    "lunarlander/pqn-hl": replace(
        PARALLEL,
        {"agent.returns": HLGauss(25, -36.0, 36.0), "agent.epochs": 4, "evaluation.episodes": 50},
    ),
}
