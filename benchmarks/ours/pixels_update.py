"""DQN's updates with the Nature network in our compiled loop, replay included: CPU milliseconds of each call.

For every line on standard input it makes so many updates and prints the milliseconds of CPU time that one took.
"""

import argparse
import json
import os
import sys
import time

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--per-call", type=int, default=8, help="updates in each call of learn")
    parser.add_argument("--values", type=json.loads, required=True, help="replay, batch, learning_rate, gamma; JSON")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--core", type=int, default=0)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})

    import jax  # only now, so that XLA counts one core

    import argmaxq as aq
    from argmaxq.components.component import bind, traced
    from argmaxq.networks.convolutional.network import Convolutional
    from argmaxq.setup import threads
    from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
    from argmaxq.types import Clock, Row

    threads(1)
    rows, generator = arguments.values["replay"], np.random.default_rng(0)
    entries = 84 * 84 * 4
    spaces = Spaces(ArraySpec((84, 84, 4), "uint8", (0.0,) * entries, (255.0,) * entries), DiscreteActions(4))
    agent = bind(
        aq.agents.DQN(
            network=Convolutional(precision=arguments.precision),
            replay=aq.replay.Uniform(rows),
            sync=aq.sync.Periodic(2_000),
            optimiser=aq.optimisers.Adam(arguments.values["learning_rate"]),
            gamma=arguments.values["gamma"],
            batch_size=arguments.values["batch"],
            rollout=rows - 1,
            updates=arguments.per_call,
            learning_starts=0,
        ),
        spaces,
    )
    ended = generator.random((rows - 1, 1)) < 0.01
    experience = Row(
        obs=generator.integers(256, size=(rows - 1, 1, 84, 84, 4), dtype=np.uint8),
        action=generator.integers(4, size=(rows - 1, 1), dtype=np.int32),
        reward=generator.normal(size=(rows - 1, 1)).astype(np.float32),
        terminated=ended,
        truncated=np.zeros_like(ended),
        last=np.roll(ended, 1, axis=0),
    )
    few = jax.tree.map(lambda leaf: leaf[:1], experience)
    clock = Clock(*np.array([0, 0, 0, 1], np.int32))
    remembering = jax.jit(lambda agent, learner, rows: agent.remember(learner, rows), donate_argnums=1)
    calls = max(1, arguments.updates // arguments.per_call)

    def learn(agent, learner, key):
        def once(i, learner):
            drawn = agent.draw(jax.random.fold_in(key, i), 1)
            return agent.learn(learner, few, few.obs[0], clock, drawn)[0]

        return jax.lax.fori_loop(0, calls, once, learner)

    learning = jax.jit(learn, donate_argnums=1)
    learner = remembering(traced(agent), agent.init(jax.random.key(0), spaces, 1), experience)
    learner = jax.block_until_ready(learning(traced(agent), learner, jax.random.key(0)))
    for number, _ in enumerate(sys.stdin):
        begin = time.process_time()
        learner = jax.block_until_ready(learning(traced(agent), learner, jax.random.key(number)))
        print((time.process_time() - begin) / (calls * arguments.per_call) * 1e3, flush=True)


if __name__ == "__main__":
    main()
