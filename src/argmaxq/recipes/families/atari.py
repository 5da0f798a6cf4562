"""Atari's Breakout and Pong by ALE, seen as DeepMind's agents saw them; returns are the raw scores of whole games."""

from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.components.paths import replace
from argmaxq.environments.env import Env
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy, Greedy
from argmaxq.learning.optimisers import Adam, RAdam, RMSProp
from argmaxq.learning.returns import Categorical, HLGauss, Scalar, Squared
from argmaxq.learning.rewards import Clip
from argmaxq.learning.schedules import TO_ZERO, Exponential, Linear
from argmaxq.learning.sync import Periodic
from argmaxq.networks.convolutional.encoders import Gamma, Nature, Small
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.heads import Dueling
from argmaxq.networks.layers import Noisy
from argmaxq.recipes.recipe import Evaluation, Recipe
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.storage import Frames
from argmaxq.replay.uniform import Uniform

STEPS, FRAMES = 10_000_000, 1_000_000
"""Env steps, of four frames of the game each, and frames in a replay."""
BREAKOUT, PONG = "ALE/Breakout-v5", "ALE/Pong-v5"


def game(id: str, lanes: int) -> Env:
    """A game in which a lost life ends the bootstrap."""
    return Env(id, lanes=lanes, backend="ale", atari=Atari(life_loss="ends"))


def trained(agent: DQN | PQN, env: Env) -> Recipe:
    """Judged ten times; a game in which nothing happens any more lasts half an hour of play."""
    return Recipe(agent, env, STEPS, Evaluation(STEPS // 10, 5), checkpoint_every=STEPS // 20)


# Mnih et al. 2015: an update for each four steps, of which eight lanes make 32 at a time; the target network is 10,000
# steps old at most, which are 2,500 updates.
MNIH = DQN(
    network=Convolutional(Nature()),
    exploration=EpsilonGreedy(Linear(1.0, 0.1, 1_000_000)),
    replay=Uniform(FRAMES, storage=Frames()),
    sync=Periodic(2_500),
    optimiser=RMSProp(2.5e-4),
    batch_size=32,
    rollout=4,
    updates=8,
    learning_starts=50_000,
    rewards=Clip(),
)
# Hessel et al. 2018.
RAINBOW = DQN(
    network=Convolutional(Nature(), head=Dueling(Noisy()), layer=Noisy()),
    returns=Categorical(51, -10.0, 10.0),
    bootstrap=Double(),
    exploration=Greedy(),
    replay=Prioritised(FRAMES, alpha=0.5, storage=Frames()),
    sync=Periodic(2_000),
    optimiser=Adam(6.25e-5, eps=1.5e-4),
    n_step=3,
    batch_size=32,
    rollout=4,
    updates=8,
    learning_starts=20_000,
    rewards=Clip(),
)
# Gallici et al. 2025, but for the learning rate, which falls to 0: at a constant one, Pong was learnt and lost again.
GALLICI = PQN(
    network=Convolutional(Nature(), layer_norm=True, start="he"),
    exploration=EpsilonGreedy(Linear(1.0, 0.001, 0.1, per="run")),
    optimiser=RAdam(2.5e-4, annealing=TO_ZERO),
    trace_decay=0.65,
    rollout=32,
    epochs=2,
    minibatches=32,
    rewards=Clip(),
)

RECIPES = {
    # A course's values as they stand, where a target network lasts 1,000 games: some 200 steps each at first, an update
    # for each step. A lost life is a reward of -1, and no end.
    "breakout/dqn-course": trained(
        DQN(
            network=Convolutional(Small()),
            returns=Scalar(Squared()),
            exploration=EpsilonGreedy(Exponential(1.0, 0.01, 10_000.0)),
            replay=Uniform(FRAMES, storage=Frames()),
            sync=Periodic(200_000),
            optimiser=Adam(1e-5),
            batch_size=32,
            rollout=1,
            learning_starts=50_000,
            rewards=Clip(),
        ),
        Env(BREAKOUT, atari=Atari(noops=0, life_loss="reward")),
    ),
    "breakout/dqn": trained(MNIH, game(BREAKOUT, 8)),
    "breakout/rainbow": trained(RAINBOW, game(BREAKOUT, 8)),
    # Four times as many updates, of batches of 32, which cost a CPU little more: learnt in 500k steps where the paper's
    # batches of 128 had hardly begun.
    "breakout/pqn": trained(replace(GALLICI, {"minibatches": 128}), game(BREAKOUT, 128)),
    # Histograms of returns, dueling streams and the encoder that scores most for what it costs.
    "breakout/pqn-hl": trained(
        replace(
            GALLICI,
            {
                "network": Convolutional(Gamma(), head=Dueling()),
                "returns": HLGauss(51, -10.0, 10.0),
                "optimiser": RAdam(2.5e-4, annealing=TO_ZERO, eps=1e-5),
            },
        ),
        game(BREAKOUT, 128),
    ),
    "pong/dqn": trained(MNIH, game(PONG, 8)),
    "pong/pqn": trained(GALLICI, game(PONG, 128)),
}
