"""Stable-Baselines3's DQN on Breakout: prints steps per second as JSON, those before the first update left out."""

import argparse
import json
import time

import ale_py
import gymnasium
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from values import BREAKOUT


class FromFirstUpdate(BaseCallback):
    """Notes when and at which step learning begins."""

    begun: tuple[float, int] | None = None

    def _on_step(self) -> bool:
        if self.begun is None and self.num_timesteps >= BREAKOUT["warm_up"]:
            self.begun = time.perf_counter(), self.num_timesteps
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()
    gymnasium.register_envs(ale_py)
    lanes = make_atari_env("BreakoutNoFrameskip-v4", n_envs=BREAKOUT["lanes"], seed=arguments.seed)
    model = DQN(
        "CnnPolicy",
        VecFrameStack(lanes, 4),
        learning_rate=BREAKOUT["learning_rate"],
        buffer_size=BREAKOUT["replay"],
        learning_starts=BREAKOUT["warm_up"],
        batch_size=BREAKOUT["batch"],
        gamma=BREAKOUT["gamma"],
        train_freq=BREAKOUT["steps_per_update"],
        gradient_steps=BREAKOUT["lanes"],
        target_update_interval=BREAKOUT["target_period"],
        exploration_fraction=1.0,
        exploration_final_eps=BREAKOUT["final_epsilon"],
        max_grad_norm=float("inf"),
        optimize_memory_usage=True,
        replay_buffer_kwargs={"handle_timeout_termination": False},
        seed=arguments.seed,
        device="cpu",
    )
    first = FromFirstUpdate()
    model.learn(arguments.steps, callback=first)
    begin, step = first.begun or (0.0, 0)
    seconds, steps = time.perf_counter() - begin, model.num_timesteps - step
    print(json.dumps({"steps_per_second": steps / seconds, "updates": model._n_updates}))


if __name__ == "__main__":
    main()
