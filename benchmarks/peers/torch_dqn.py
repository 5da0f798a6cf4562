"""A plain DQN in torch with a replay in NumPy: what a careful person writes by hand."""

import copy
from itertools import pairwise

import numpy as np
import torch
from torch import nn


class Replay:
    """A ring of transitions, sampled uniformly."""

    def __init__(self, capacity: int, observation_size: int) -> None:
        self.obs = np.empty((capacity, observation_size), np.float32)
        self.next_obs = np.empty((capacity, observation_size), np.float32)
        self.action = np.empty(capacity, np.int64)
        self.reward = np.empty(capacity, np.float32)
        self.terminated = np.empty(capacity, np.float32)
        self.capacity, self.size, self.position = capacity, 0, 0

    def add(self, obs: np.ndarray, action: int, reward: float, next_obs: np.ndarray, terminated: bool) -> None:
        i = self.position
        self.obs[i], self.action[i], self.reward[i] = obs, action, reward
        self.next_obs[i], self.terminated[i] = next_obs, terminated
        self.position = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, generator: np.random.Generator, batch: int) -> tuple[torch.Tensor, ...]:
        i = generator.integers(self.size, size=batch)
        arrays = (self.obs[i], self.action[i], self.reward[i], self.next_obs[i], self.terminated[i])
        return tuple(map(torch.from_numpy, arrays))


class DQN:
    """Online and target networks, and fused Adam: the fastest optimiser of torch without compilation."""

    def __init__(self, observation_size: int, actions: int, hidden: tuple[int, ...], learning_rate: float) -> None:
        sizes = (observation_size, *hidden)
        layers = [layer for i, o in pairwise(sizes) for layer in (nn.Linear(i, o), nn.ReLU())]
        self.online = nn.Sequential(*layers, nn.Linear(sizes[-1], actions))
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.online.parameters(), lr=learning_rate, fused=True)

    @torch.inference_mode()
    def greedy(self, obs: np.ndarray) -> int:
        return int(self.online(torch.from_numpy(obs)).argmax())

    def update(self, transitions: tuple[torch.Tensor, ...], gamma: float) -> None:
        obs, action, reward, next_obs, terminated = transitions
        with torch.no_grad():
            target = reward + gamma * (1 - terminated) * self.target(next_obs).amax(1)
        q = self.online(obs).gather(1, action[:, None])[:, 0]
        loss = nn.functional.mse_loss(q, target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    @torch.no_grad()
    def follow(self, tau: float) -> None:
        """Polyak averaging of the target network, all arrays in one call."""
        torch._foreach_lerp_(list(self.target.parameters()), list(self.online.parameters()), tau)
