"""The course recipe on LunarLander by a plain torch script: prints steps per second as JSON."""

import argparse
import json
import time

import gymnasium
import numpy as np
import torch

from torch_dqn import DQN, Replay
from values import LUNARLANDER


def train(seed: int, steps: int) -> tuple[float, int]:
    """Train for so many environment steps: (epsilon at the end, episodes)."""
    environment = gymnasium.make(LUNARLANDER["environment"])
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    dqn = DQN(8, 4, LUNARLANDER["hidden"], LUNARLANDER["learning_rate"])
    replay = Replay(LUNARLANDER["replay"], 8)
    epsilon, episodes = 1.0, 0
    obs, _ = environment.reset(seed=seed)
    for step in range(1, steps + 1):
        action = int(generator.integers(4)) if generator.random() < epsilon else dqn.greedy(obs)
        next_obs, reward, terminated, truncated, _ = environment.step(action)
        replay.add(obs, action, reward, next_obs, terminated)
        obs = next_obs
        if terminated or truncated:
            obs, _ = environment.reset()
            epsilon = max(LUNARLANDER["final_epsilon"], LUNARLANDER["epsilon_decay"] * epsilon)
            episodes += 1
        if step % LUNARLANDER["steps_per_update"] == 0 and replay.size > LUNARLANDER["batch"]:
            dqn.update(replay.sample(generator, LUNARLANDER["batch"]), LUNARLANDER["gamma"])
            dqn.follow(LUNARLANDER["tau"])
    return epsilon, episodes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=1, help="one is fastest for networks this small")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    begin = time.perf_counter()
    epsilon, episodes = train(arguments.seed, arguments.steps)
    seconds = time.perf_counter() - begin
    result = {
        "training_seconds": seconds,
        "steps_per_second": arguments.steps / seconds,
        "epsilon": epsilon,
        "episodes": episodes,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
