"""CartPole-v1 with other members of DQN's family: each is the recipe ``cartpole/dqn`` with another value or two."""

import dataclasses
from typing import Any

from argmaxq.agents.dqn import DQN
from argmaxq.learning.bootstrap import Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.returns import Categorical, HLGauss, ImplicitQuantile, Quantile
from argmaxq.learning.schedules import Linear
from argmaxq.learning.sync import Polyak
from argmaxq.networks.heads import Dueling, Implicit
from argmaxq.networks.layers import Noisy
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.families.cartpole import RECIPES as CARTPOLE
from argmaxq.recipes.recipe import Recipe
from argmaxq.replay.prioritised import Prioritised

PLAIN = CARTPOLE["cartpole/dqn"]
HIGHEST = 15.0
"""No return is above 0.1 / (1 - 0.993) = 14.3: a tenth of the reward, discounted."""


def variant(**values: Any) -> Recipe:
    """The plain recipe with an agent of other values."""
    agent = PLAIN.agent
    assert isinstance(agent, DQN)
    return dataclasses.replace(PLAIN, agent=dataclasses.replace(agent, **values))


RECIPES = {
    "cartpole/c51": variant(returns=Categorical(51, 0.0, HIGHEST)),
    # With a tenth of the reward Huber's loss must turn linear sooner, too: with 1 it is quadratic nearly everywhere and
    # a seed in some ten keeps drifting off the track; with 0.1 single seeds end at 493.
    "cartpole/qrdqn": variant(returns=Quantile(51, kappa=0.3)),
    "cartpole/hl-gauss": variant(returns=HLGauss(51, 0.0, HIGHEST)),
    "cartpole/munchausen": variant(bootstrap=Munchausen()),
    # With 8 levels for learning and acting single seeds end at 441 to 479, with 32 for acting alone at 494.
    "cartpole/iqn": variant(network=MLP((64, 64), head=Implicit(16)), returns=ImplicitQuantile(16, 16, 32)),
    # Hessel et al. 2018. Noise of the weights alone explores too little at first: two of ten seeds then stay below 200.
    "cartpole/rainbow": variant(
        network=MLP((64, 64), head=Dueling(Noisy()), layer=Noisy()),
        returns=Categorical(51, 0.0, HIGHEST),
        exploration=EpsilonGreedy(Linear(1.0, 0.01, 0.16, per="run")),
        replay=Prioritised(100_000, alpha=0.5),
        average=Polyak(1e-3),  # without it one of ten seeds ends at 494
    ),
}
