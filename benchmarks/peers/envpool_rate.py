"""EnvPool's LunarLander alone, with random actions: environment steps per second as JSON."""

import argparse
import json
import os
import time

import envpool
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    environments = envpool.make_gymnasium(
        "LunarLander-v3",
        num_envs=arguments.lanes,
        num_threads=arguments.threads,
        thread_affinity_offset=0,
        seed=arguments.seed,
    )
    rounds = arguments.steps // arguments.lanes
    actions = np.random.default_rng(arguments.seed).integers(4, size=(rounds, arguments.lanes)).astype(np.int32)
    environments.reset()
    for action in actions[: rounds // 10]:
        environments.step(action)
    begin = time.perf_counter()
    for action in actions:
        environments.step(action)
    seconds = time.perf_counter() - begin
    print(json.dumps({"steps_per_second": rounds * arguments.lanes / seconds}))


if __name__ == "__main__":
    main()
