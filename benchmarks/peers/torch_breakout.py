"""PQN on EnvPool's Breakout by a plain torch script, bfloat16, channels last: prints steps per second as JSON.

Gallici et al. (2025): the Nature network with layer normalisation, lambda-returns, no target network.
"""

import argparse
import json
import time

import envpool
import numpy as np
import torch
from torch import nn

from values import BREAKOUT_PQN as VALUES


class Network(nn.Module):
    """Nature's with layer normalisation, on bytes [batch, 4, 84, 84]."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(4, 32, 8, 4), nn.LayerNorm([32, 20, 20]), nn.ReLU()),
            *(nn.Conv2d(32, 64, 4, 2), nn.LayerNorm([64, 9, 9]), nn.ReLU()),
            *(nn.Conv2d(64, 64, 3, 1), nn.LayerNorm([64, 7, 7]), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(3136, 512), nn.LayerNorm(512), nn.ReLU(), nn.Linear(512, actions)),
        ).to(memory_format=torch.channels_last)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        pictures = obs.float().div_(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            return self.layers(pictures).float()


def lambda_returns(reward: torch.Tensor, discount: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
    """Targets [rollout, lanes]; ``best`` [rollout, lanes] are the values of what each row led to."""
    decay, targets = VALUES["trace_decay"], torch.empty_like(reward)
    following = best[-1]
    for t in reversed(range(len(reward))):
        following = reward[t] + discount[t] * ((1 - decay) * best[t] + decay * following)
        targets[t] = following
    return targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    generator = np.random.default_rng(arguments.seed)
    lanes, rollout = VALUES["lanes"], VALUES["rollout"]
    games = envpool.make_gymnasium("Breakout-v5", num_envs=lanes, seed=arguments.seed, reward_clip=False)
    network = Network(4)
    optimiser = torch.optim.RAdam(network.parameters(), lr=VALUES["learning_rate"])
    obs = torch.empty(rollout + 1, lanes, 4, 84, 84, dtype=torch.uint8)
    action = torch.empty(rollout, lanes, dtype=torch.int64)
    reward, discount = torch.empty(rollout, lanes), torch.empty(rollout, lanes)
    seen, info = games.reset()
    lives = info["lives"].copy()

    def iteration() -> None:
        nonlocal seen, lives
        for t in range(rollout):
            obs[t] = torch.from_numpy(seen)
            with torch.no_grad():
                greedy = network(obs[t]).argmax(1).numpy()
            chosen = np.where(generator.random(lanes) < 0.1, generator.integers(4, size=lanes), greedy)
            seen, gained, terminated, truncated, info = games.step(chosen.astype(np.int32))
            ended = terminated | truncated | (info["lives"] < lives)
            lives = info["lives"].copy()
            action[t], reward[t] = torch.from_numpy(chosen), torch.from_numpy(np.clip(gained, -1, 1))
            discount[t] = torch.from_numpy(VALUES["gamma"] * ~ended)
        obs[rollout] = torch.from_numpy(seen)
        with torch.no_grad():
            best = torch.stack([network(obs[t + 1]).amax(1) for t in range(rollout)])
        targets = lambda_returns(reward, discount, best).flatten()
        flat, taken = obs[:rollout].flatten(0, 1), action.flatten()
        for _ in range(VALUES["epochs"]):
            for part in torch.randperm(len(taken)).chunk(VALUES["minibatches"]):
                q = network(flat[part]).gather(1, taken[part][:, None])[:, 0]
                loss = 0.5 * (q - targets[part]).square().mean()
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), VALUES["gradient_norm"])
                optimiser.step()

    iteration()
    count = max(1, arguments.steps // (lanes * rollout))
    begin = time.perf_counter()
    for _ in range(count):
        iteration()
    print(json.dumps({"steps_per_second": count * lanes * rollout / (time.perf_counter() - begin)}))


if __name__ == "__main__":
    main()
