"""Stable-Baselines3's DQN on CartPole: prints training time and final greedy return as JSON."""

import argparse
import json
import time

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.evaluation import evaluate_policy

from values import CARTPOLE


def build(seed: int) -> DQN:
    """The target period counts environment steps: a rollout's length is one synchronisation, just before each burst."""
    return DQN(
        "MlpPolicy",
        CARTPOLE["environment"],
        learning_rate=CARTPOLE["learning_rate"],
        buffer_size=CARTPOLE["replay"],
        learning_starts=CARTPOLE["warm_up"],
        batch_size=CARTPOLE["batch"],
        gamma=CARTPOLE["gamma"],
        train_freq=CARTPOLE["steps_per_burst"],
        gradient_steps=CARTPOLE["updates_per_burst"],
        target_update_interval=CARTPOLE["steps_per_burst"],
        exploration_fraction=CARTPOLE["exploration_fraction"],
        exploration_final_eps=CARTPOLE["final_epsilon"],
        max_grad_norm=CARTPOLE["gradient_norm"],
        policy_kwargs={"net_arch": list(CARTPOLE["hidden"])},
        seed=seed,
        device="cpu",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=CARTPOLE["steps"])
    parser.add_argument("--episodes", type=int, default=100, help="of the final evaluation")
    parser.add_argument("--threads", type=int, default=1, help="one is fastest for networks this small")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = build(arguments.seed)
    begin = time.perf_counter()
    model.learn(arguments.steps)
    trained = time.perf_counter()
    mean, _ = evaluate_policy(model, model.get_env(), n_eval_episodes=arguments.episodes)
    result = {
        "training_seconds": trained - begin,
        "evaluation_seconds": time.perf_counter() - trained,
        "mean_return": float(mean),
        "updates": model._n_updates,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
