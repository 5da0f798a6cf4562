"""Stable-Baselines3's DQN set to the course recipe on LunarLander: prints steps per second as JSON.

Its loss is always Huber's, where the recipe has the squared one; nothing else differs.
"""

import argparse
import json
import time

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback

from values import LUNARLANDER


class EpsilonPerEpisode(BaseCallback):
    """Multiplies epsilon at the end of each episode."""

    epsilon = 1.0

    def _on_training_start(self) -> None:
        self.model.exploration_schedule = lambda progress: self.epsilon

    def _on_step(self) -> bool:
        if self.locals["dones"][0]:
            self.epsilon = max(LUNARLANDER["final_epsilon"], LUNARLANDER["epsilon_decay"] * self.epsilon)
        return True


def build(seed: int) -> DQN:
    """The target period counts environment steps: equal to the steps per update, it follows every update once."""
    return DQN(
        "MlpPolicy",
        LUNARLANDER["environment"],
        learning_rate=LUNARLANDER["learning_rate"],
        buffer_size=LUNARLANDER["replay"],
        learning_starts=LUNARLANDER["batch"],
        batch_size=LUNARLANDER["batch"],
        gamma=LUNARLANDER["gamma"],
        tau=LUNARLANDER["tau"],
        train_freq=LUNARLANDER["steps_per_update"],
        gradient_steps=1,
        target_update_interval=LUNARLANDER["steps_per_update"],
        max_grad_norm=float("inf"),
        policy_kwargs={"net_arch": list(LUNARLANDER["hidden"])},
        seed=seed,
        device="cpu",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=1, help="one is fastest for networks this small")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model, epsilon = build(arguments.seed), EpsilonPerEpisode()
    begin = time.perf_counter()
    model.learn(arguments.steps, callback=epsilon)
    seconds = time.perf_counter() - begin
    result = {
        "training_seconds": seconds,
        "steps_per_second": arguments.steps / seconds,
        "updates": model._n_updates,
        "epsilon": model.exploration_rate,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
