"""One DQN update of an 8-64-64-4 network in torch, sampling from a NumPy replay included: microseconds as JSON."""

import argparse
import json
import statistics
import time

import numpy as np
import torch

from torch_dqn import DQN, Replay
from values import LUNARLANDER


def filled_replay(generator: np.random.Generator, size: int) -> Replay:
    replay = Replay(size, 8)
    replay.obs[:] = generator.normal(size=(size, 8))
    replay.next_obs[:] = generator.normal(size=(size, 8))
    replay.action[:] = generator.integers(4, size=size)
    replay.reward[:] = generator.normal(size=size)
    replay.terminated[:] = generator.random(size) < 0.01
    replay.size = size
    return replay


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=2_000, help="in one timing")
    parser.add_argument("--timings", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    generator = np.random.default_rng(arguments.seed)
    replay = filled_replay(generator, LUNARLANDER["replay"])
    dqn = DQN(8, 4, LUNARLANDER["hidden"], LUNARLANDER["learning_rate"])

    def timing() -> float:
        begin = time.perf_counter()
        for _ in range(arguments.updates):
            dqn.update(replay.sample(generator, LUNARLANDER["batch"]), LUNARLANDER["gamma"])
        return (time.perf_counter() - begin) / arguments.updates * 1e6

    timing()
    print(json.dumps({"microseconds_per_update": statistics.median(timing() for _ in range(arguments.timings))}))


if __name__ == "__main__":
    main()
