"""Agents learn what is known: the values of the probes, and CartPole."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.learning.bootstrap import Double, Munchausen
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.returns import Categorical, HLGauss, Quantile, Scalar, Squared
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.learning.sync import Periodic, Polyak
from argmaxq.networks.heads import Dueling
from argmaxq.networks.mlp import MLP
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from samples.probes import PROBES, Endless, Probe
from support.tiers import slow
from support.trainer import ENGINES, compiled_engine, probe_env, train, values

GAMMA, LANES = 0.9, 4
EXPLORE = EpsilonGreedy(Constant(1.0))
DECAY = Linear(1.0, 0.0, 4_000, per="update")
PLAIN = DQN(
    network=MLP((16,)),
    exploration=EXPLORE,
    replay=Uniform(800),
    sync=Periodic(10),
    optimiser=Adam(0.02, annealing=DECAY),
    gamma=GAMMA,
    batch_size=32,
    rollout=4,
    updates=4,
    learning_starts=100,
)
COLD = Munchausen(weight=0.0, temperature=1e-3)
"""With a bonus for the best action, or much entropy, the values would be others than the probes'."""
AGENTS: dict[str, Any] = {
    "dqn": PLAIN,
    "double-dueling": dataclasses.replace(PLAIN, bootstrap=Double(), network=MLP((16,), head=Dueling())),
    "3-step": dataclasses.replace(PLAIN, n_step=3),
    "prioritised": dataclasses.replace(PLAIN, replay=Prioritised(800)),
    "c51": dataclasses.replace(PLAIN, returns=Categorical(51, -3.0, 12.0)),
    "quantile": dataclasses.replace(PLAIN, returns=Quantile(11)),
    "hl-gauss": dataclasses.replace(PLAIN, returns=HLGauss(60, -3.0, 12.0)),
    "munchausen": dataclasses.replace(PLAIN, bootstrap=COLD),
    "munchausen-c51": dataclasses.replace(PLAIN, bootstrap=COLD, returns=Categorical(51, -3.0, 12.0)),
    "pqn": PQN(
        network=MLP((16,), layer_norm=True),
        exploration=EXPLORE,
        optimiser=RAdam(0.03, annealing=DECAY),
        gamma=GAMMA,
        rollout=8,
        epochs=1,
        minibatches=4,
    ),
}
AGENTS |= {
    "pqn-c51": dataclasses.replace(AGENTS["pqn"], returns=Categorical(51, -3.0, 12.0)),
    "pqn-quantile": dataclasses.replace(AGENTS["pqn"], returns=Quantile(11)),
    "pqn-hl-gauss": dataclasses.replace(AGENTS["pqn"], returns=HLGauss(60, -3.0, 12.0)),
    "pqn-munchausen": dataclasses.replace(AGENTS["pqn"], bootstrap=COLD),
}
UPDATES = 4_000
TOLERANCE = 0.02
QUICK = {
    ("dqn", "matching-reward", "host"),
    ("double-dueling", "short-episode", "compiled"),
    ("3-step", "short-episode", "compiled"),
    ("prioritised", "observed-reward", "compiled"),
    ("pqn", "short-episode", "compiled"),
    ("pqn", "endless", "host"),
    ("dqn", "endless", "compiled"),
    ("c51", "short-episode", "compiled"),
    ("quantile", "observed-reward", "host"),
    ("hl-gauss", "short-episode", "compiled"),
    ("munchausen", "matching-reward", "compiled"),
    ("pqn-c51", "endless", "compiled"),
    ("pqn-quantile", "short-episode", "compiled"),
}
ENDLESS = next(probe for probe in PROBES if probe.name == "endless")
CASES = [(agent, probe, engine) for agent in AGENTS for probe in PROBES for engine in ENGINES]


def learnt(agent: Any, env: CompiledEnv, probe: Probe, engine: str = "compiled", lanes: int = LANES) -> np.ndarray:
    """Action values [observations, actions] after all updates."""
    per_iteration = agent.epochs * agent.minibatches if isinstance(agent, PQN) else agent.updates
    state, _ = train(ENGINES[engine](agent, env, lanes), UPDATES // per_iteration + 20)
    return values(agent, state.learner.params, probe.observations)


@pytest.mark.parametrize(
    ("name", "probe", "engine"),
    [
        pytest.param(
            agent,
            probe,
            engine,
            id=f"{agent}-{probe.name}-{engine}",
            marks=() if (agent, probe.name, engine) in QUICK else pytest.mark.slow,
        )
        for agent, probe, engine in CASES
    ],
)
def test_probes(name: str, probe: Probe, engine: str) -> None:
    """Every family of agents finds every probe's values, in both engines."""
    found = learnt(AGENTS[name], probe_env(probe), probe, engine)
    np.testing.assert_allclose(found, probe.q_values(GAMMA), atol=TOLERANCE)


class Ending(Endless):
    """The endless probe as it looks to an agent that takes its time limit for a terminal state."""

    def terminal(self, state: Any, rng: Any, params: Any = None) -> Any:
        return state.step >= ENDLESS.time_limit


@pytest.mark.parametrize(("name", "trace_decay"), [("dqn", 0.0), slow("pqn", 0.95)])
def test_a_time_limit_taken_for_a_terminal_state_would_be_seen(name: str, trace_decay: float) -> None:
    """A wrong agent would find 3.08 with one-step targets and 2.4 with lambda-returns, where the truth is 10."""
    wrong = 0.0
    for _ in range(100):
        returns = [1.0]
        for _ in range(3):
            returns.append(1 + GAMMA * ((1 - trace_decay) * wrong + trace_decay * returns[-1]))
        wrong = float(np.mean(returns))
    agent = dataclasses.replace(AGENTS[name], returns=Scalar(Squared()))
    found = learnt(agent, CompiledEnv(Ending()), ENDLESS)
    np.testing.assert_allclose(found, [[wrong]], atol=0.3)
    assert (np.abs(found - ENDLESS.q_values(GAMMA)) > 300 * TOLERANCE).all()


SEEDS = tuple(range(20, 29))
CARTPOLE_DQN = DQN(
    network=MLP((64, 64)),
    bootstrap=Double(),
    exploration=EpsilonGreedy(Linear(1.0, 0.1, 8_000)),
    replay=Uniform(40_000),
    sync=Polyak(0.02),
    optimiser=Adam(5e-4, annealing=Linear(1.0, 0.0, 40_000, per="update"), max_grad_norm=1.0),
    n_step=3,
    rollout=8,
    updates=8,
    rewards=Scale(0.1),
)


def best_returns(agent: Any, lanes: int, blocks: int, evaluate_every: int) -> np.ndarray:
    """For each seed the highest of the mean returns of 20 greedy episodes, evaluated every so many blocks."""
    engine = compiled_engine(agent, lanes=lanes, seeds=SEEDS)
    state, means = engine.start(), []
    for block in range(blocks):
        state, _ = engine.run(
            state, block * engine.length, (block + 1) * engine.length, blocks * engine.length * agent.rollout * lanes
        )
        if block % evaluate_every == evaluate_every - 1:
            means.append([played.returns.mean() for played in engine.evaluate(state, 20, block)])
    return np.max(means, axis=0)


@pytest.mark.parametrize(
    ("agent", "lanes", "blocks", "evaluate_every"),
    [(CARTPOLE_DQN, 1, 20, 2), (aq.find("cartpole/pqn").agent, 32, 48, 8)],
    ids=["dqn", "pqn"],
)
def test_cartpole(agent: Any, lanes: int, blocks: int, evaluate_every: int) -> None:
    """Chance gives 22, one constant action 9, and an agent that sees no further than a few steps under 200."""
    best = best_returns(agent, lanes, blocks, evaluate_every)
    assert np.median(best) >= 400, best
    assert np.sort(best)[1] >= 250, best  # all but one
    assert best.min() >= 200, best
