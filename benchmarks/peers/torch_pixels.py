"""DQN's updates with the Nature network in torch, on a replay of pictures in NumPy: CPU milliseconds of each call.

For every line on standard input it makes so many updates and prints the milliseconds of CPU time that one took.
"""

import argparse
import copy
import os
import sys
import time

import numpy as np
import torch
from torch import nn

from values import PIXELS


class Nature(nn.Module):
    """The network of Mnih et al. (2015) on bytes [batch, 4, 84, 84]."""

    def __init__(self, actions: int, dtype: torch.dtype, layout: torch.memory_format) -> None:
        super().__init__()
        self.dtype, self.layout = dtype, layout
        self.layers = nn.Sequential(
            *(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU()),
            *(nn.Conv2d(64, 64, 3, 1), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, actions)),
        ).to(memory_format=layout)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        pictures = obs.float().div_(255).contiguous(memory_format=self.layout)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype is torch.bfloat16):
            return self.layers(pictures).float()


def filled(generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    size = PIXELS["replay"]
    pictures = generator.integers(256, size=(size + 1, 4, 84, 84), dtype=np.uint8)
    reward, ended = generator.normal(size=size).astype(np.float32), (generator.random(size) < 0.01).astype(np.float32)
    return pictures, generator.integers(4, size=size), reward, ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--layout", choices=("contiguous_format", "channels_last"), default="contiguous_format")
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--core", type=int, default=0)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    pictures, action, reward, ended = filled(generator)
    online = Nature(4, getattr(torch, arguments.dtype), getattr(torch, arguments.layout))
    target = copy.deepcopy(online).requires_grad_(False)
    optimiser = torch.optim.Adam(online.parameters(), lr=PIXELS["learning_rate"], fused=True)

    def update() -> None:
        i = generator.integers(len(action), size=PIXELS["batch"])
        obs, following, *rest = map(torch.from_numpy, (pictures[i], pictures[i + 1], action[i], reward[i], ended[i]))
        with torch.no_grad():
            goal = rest[1] + PIXELS["gamma"] * (1 - rest[2]) * target(following).amax(1)
        loss = nn.functional.smooth_l1_loss(online(obs).gather(1, rest[0][:, None])[:, 0], goal)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    for _ in range(3):
        update()
    for _ in sys.stdin:
        begin = time.process_time()
        for _ in range(arguments.updates):
            update()
        print((time.process_time() - begin) / arguments.updates * 1e3, flush=True)


if __name__ == "__main__":
    main()
