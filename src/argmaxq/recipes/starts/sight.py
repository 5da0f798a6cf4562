"""What a start is made for, and the network that suits what its environment shows."""

from typing import NamedTuple

import numpy as np

from argmaxq.components.registry import type_name
from argmaxq.environments.env import Env
from argmaxq.environments.survey import Survey
from argmaxq.networks.convolutional.images import described, is_picture, view
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.inputs import Inputs, Raw, Rescaled
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.starts import rules
from argmaxq.roles import Network


class Said(NamedTuple):
    """A choice in words, and the fields that it tells of, each by its path."""

    what: str
    words: str
    paths: tuple[str, ...]


class Task(NamedTuple):
    """What a start is made for.

    Attributes:
        env: The environment, in as many lanes as it is trained in.
        found: What random play showed of it.
        steps: Env steps, over all lanes.
    """

    env: Env
    found: Survey
    steps: int

    @property
    def gamma(self) -> float:
        """Discount per env step."""
        return rules.discount(self.found.time_limit)

    @property
    def scale(self) -> float:
        """Factor on rewards."""
        return rules.reward_scale(self.found.largest_return(self.gamma))


def inputs_for(task: Task) -> tuple[Inputs, str]:
    """What a network does to observations first, and what it sees, in words."""
    spec, (low, high) = task.found.spaces.observation, rules.input_box(task.found)
    if spec.categories:
        return Raw(), f"one of {spec.categories:,} states, as a one-hot vector"
    entries = f"{int(np.prod(spec.shape)):,} numbers"
    if low:
        return Rescaled(low, high), f"{entries}, rescaled by bounds and spread in random play"
    return Rescaled(), f"{entries}, rescaled by bounds where there are any"


def pictured(task: Task) -> bool:
    """Whether a network is to see pictures."""
    return is_picture(task.found.spaces.observation)


def network_for(task: Task) -> tuple[Network, Said]:
    """Convolutions for pictures, dense layers for all else, and what to say of them."""
    if pictured(task):
        spec = task.found.spaces.observation
        found = view(spec)
        shape = found[0].shape if found else spec.shape
        network = Convolutional(rules.encoder(shape), layer_norm=True, start="he")
        layers = (
            f"normalised convolutions ({type_name(type(network.encoder))}) and a layer of {network.encoder.hidden[0]}"
        )
        return network, Said("network", f"{layers} on pictures of {described(shape)}", ("agent.network",))
    inputs, seen = inputs_for(task)
    return MLP((128, 128), inputs, layer_norm=True), Said(
        "network", f"two normalised layers of 128 on {seen}", ("agent.network",)
    )
