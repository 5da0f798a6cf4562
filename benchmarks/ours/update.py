"""One DQN update of an 8-64-64-4 network in our compiled loop, replay included: microseconds as JSON."""

import argparse
import json
import statistics
import time

import jax
import numpy as np

from argmaxq.agents.dqn import DQN, DQNLearner
from argmaxq.components.component import traced
from argmaxq.learning.optimisers import Adam
from argmaxq.learning.returns import Scalar, Squared
from argmaxq.learning.sync import Periodic
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Array, Clock, Metrics, Row

ROWS = 100_000
SPACES = Spaces(ArraySpec((8,), "float32"), DiscreteActions(4))


def build(updates: int) -> DQN:
    """The course recipe's agent with a fixed target network, as in the peer's script."""
    return DQN(
        returns=Scalar(Squared()),
        replay=Uniform(ROWS),
        sync=Periodic(10**9),
        optimiser=Adam(1e-3),
        gamma=0.995,
        batch_size=64,
        rollout=ROWS - 1,
        updates=updates,
        learning_starts=0,
    )


def random_rows(generator: np.random.Generator, rows: int) -> Row:
    """Experience [rows, 1 lane] with an episode's end every hundred rows or so."""
    ended = generator.random((rows, 1)) < 0.01
    return Row(
        obs=generator.normal(size=(rows, 1, 8)).astype(np.float32),
        action=generator.integers(4, size=(rows, 1)).astype(np.int32),
        reward=generator.normal(size=(rows, 1)).astype(np.float32),
        terminated=ended,
        truncated=np.zeros_like(ended),
        last=np.roll(ended, 1, axis=0),
    )


def learn_from_key(
    agent: DQN, learner: DQNLearner, rows: Row, obs: Array, clock: Clock, key: Array
) -> tuple[DQNLearner, Metrics]:
    """A burst of updates, the random numbers for its batches included."""
    return agent.learn(learner, rows, obs, clock, agent.draw(key, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=2_000, help="in one timing")
    parser.add_argument("--timings", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    agent = build(arguments.updates)
    rows = random_rows(np.random.default_rng(arguments.seed), agent.rollout)
    learn = jax.jit(learn_from_key, donate_argnums=1)
    key = jax.random.key(arguments.seed)
    learner = jax.jit(DQN.remember)(traced(agent), agent.init(key, SPACES, 1), rows)
    few, clock = jax.tree.map(lambda leaf: leaf[:1], rows), Clock(*np.array([0, 0, 0, 1], np.int32))

    def timing(learner: DQNLearner) -> tuple[DQNLearner, float]:
        begin = time.perf_counter()
        learner, metrics = learn(traced(agent), learner, few, few.obs[0], clock, key)
        jax.block_until_ready((learner, metrics))
        return learner, (time.perf_counter() - begin) / arguments.updates * 1e6

    learner, _ = timing(learner)
    seconds = []
    for _ in range(arguments.timings):
        learner, each = timing(learner)
        seconds.append(each)
    print(json.dumps({"microseconds_per_update": statistics.median(seconds)}))


if __name__ == "__main__":
    main()
