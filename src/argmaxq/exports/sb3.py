"""The network of a Stable-Baselines3 DQN, saved as a zip, as a policy of ours."""

import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from argmaxq.agents.dqn import DQN
from argmaxq.components.errors import UserError, told
from argmaxq.lanes.spaces import read_spaces
from argmaxq.networks.convolutional.images import channels_first
from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.mlp import MLP
from argmaxq.verbs.policy import Policy, policy_params

MISSING = "Stable-Baselines3's weights are read by torch, which is not installed: pip install 'argmaxq[sb3]'"
LARGEST = 2**31
"""Bytes of an entry of the zip, unpacked, up to which it is read."""
MOST_ENTRIES = 2**24
"""Of an observation."""
ACTIVATIONS = {"ReLU": "relu", "Tanh": "tanh", "ELU": "elu", "LeakyReLU": "leaky_relu", "SiLU": "silu"}
NETWORK = "q_net."
"""What the names of the online network's weights begin with."""
CONVOLUTIONS = ((0, 8, 4), (2, 4, 2), (4, 3, 1))
"""Nature's: the place of each among the layers, its kernel and its stride."""

Weights = Mapping[str, np.ndarray]


def from_sb3(path: str | Path) -> Policy:
    """The greedy policy of a DQN that Stable-Baselines3 saved by ``model.save(path)``.

    It takes observations as the saved model does: of pictures those with channels first, as ``VecTransposeImage`` makes
    them. The file is data: weights are read by torch's weights-only loader, spaces from the plain text beside what is
    pickled, and nothing is unpickled. Networks are those of ``MlpPolicy`` and ``CnnPolicy``, of any ``net_arch``.

    Args:
        path: The zip.

    Raises:
        UserError: torch is not installed; it is no such file, or is damaged; its observations, actions, or network are
            others than these.
    """
    file = Path(path)
    data, weights = _read(file)
    observation, action = _space(file, data, "observation_space"), _space(file, data, "action_space")
    if not isinstance(action, spaces.Discrete):
        raise UserError(f"{file}: a DQN has discrete actions, and these are {action}")
    image, adaptor = _normalised(data, observation), read_spaces(observation, action)
    network: MLP | Convolutional
    try:
        if "features_extractor.cnn.0.weight" in weights:
            network, arrays = _convolutional(file, data, weights, observation, image)
        else:
            network, arrays = _perceptron(file, data, weights, image)
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        if isinstance(fault, UserError):
            raise
        raise UserError(f"{file}: its weights are not those of such a network ({told(fault)})") from fault
    agent = DQN(network=network)
    try:
        params = policy_params(agent, adaptor.spaces, arrays)
    except UserError as fault:
        raise UserError(f"{file}: its weights do not fit its spaces ({fault})") from fault
    return Policy(agent, params, adaptor)


def _read(file: Path) -> tuple[dict[str, Any], Weights]:
    """What a zip says of itself, nothing of it unpickled, and the weights of its online network, by name."""
    try:
        import torch
    except ImportError:
        raise UserError(MISSING) from None
    try:
        with zipfile.ZipFile(file) as archive:
            data = json.loads(_entry(archive, "data"))
            saved = torch.load(io.BytesIO(_entry(archive, "policy.pth")), map_location="cpu", weights_only=True)
        arrays = {str(name): tensor.detach().float().numpy() for name, tensor in saved.items()}
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except Exception as fault:  # a damaged or hostile file fails in any way
        raise UserError(f"{file} is no model that Stable-Baselines3 saved, or is damaged ({told(fault)})") from fault
    own = {name.removeprefix(NETWORK): array for name, array in arrays.items() if name.startswith(NETWORK)}
    if not isinstance(data, dict) or "q_net.0.weight" not in own:
        raise UserError(f"{file} holds no DQN of Stable-Baselines3's: its weights are of another algorithm or policy")
    return data, own


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    if (size := archive.getinfo(name).file_size) > LARGEST:
        raise ValueError(f"{name} has {size:,} bytes")
    return archive.read(name)


def _space(file: Path, data: Mapping[str, Any], name: str) -> gym.Space[Any]:
    """A space by the text that stands beside its pickle."""
    try:
        text = {key: str(value) for key, value in data[name].items()}
        kind = re.findall(r"\w+", text[":type:"])[-1]
        if kind == "Discrete":
            return spaces.Discrete(int(text["n"]), start=int(text.get("start", 0)))
        if kind == "Box":
            dtype, shape = np.dtype(text["dtype"]), tuple(map(int, re.findall(r"\d+", text["_shape"])))
            if math.prod(shape) > MOST_ENTRIES:
                raise ValueError(f"it has {math.prod(shape):,} entries")
            whole = np.iinfo(dtype) if dtype.kind in "iu" else None
            return spaces.Box(whole.min if whole else -np.inf, whole.max if whole else np.inf, shape, dtype.type)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as fault:
        raise UserError(f"{file}: its {name} cannot be read ({told(fault)})") from fault
    raise UserError(f"{file}: its {name} is {kind}: Box and Discrete are read")


def _text(data: Mapping[str, Any], name: str) -> str:
    """A setting of the policy as text; empty where it is the default."""
    given = data.get("policy_kwargs")
    return str(given.get(name, "")) if isinstance(given, dict) else ""


def _normalised(data: Mapping[str, Any], space: gym.Space[Any]) -> bool:
    """Whether the network sees 1/255 of the bytes of pictures."""
    picture = isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) == 3
    return picture and _text(data, "normalize_images") != "False"


def _activation(file: Path, data: Mapping[str, Any]) -> str:
    name = re.findall(r"\w+", _text(data, "activation_fn") or "ReLU")[-1]
    if name not in ACTIVATIONS:
        raise UserError(f"{file}: its activation {name} has no equal here: {', '.join(ACTIVATIONS)} have")
    return ACTIVATIONS[name]


def _layers(file: Path, weights: Weights) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernel [inputs, outputs] and bias of each dense layer, the last one included."""
    names = [name for name in weights if re.fullmatch(r"q_net\.\d+\.weight", name)]
    dense = [f"q_net.{2 * number}" for number in range(len(names))]
    known = {f"{name}.{kind}" for name in dense for kind in ("weight", "bias")}
    if not known <= weights.keys() or any(name.startswith("q_net.") and name not in known for name in weights):
        raise UserError(f"{file}: its layers are others than dense ones with a non-linearity between")
    return [(weights[f"{name}.weight"].T, weights[f"{name}.bias"]) for name in dense]


def _perceptron(
    file: Path, data: Mapping[str, Any], weights: Weights, image: bool
) -> tuple[MLP, dict[str, np.ndarray]]:
    if any(name.startswith("features_extractor.") for name in weights):
        raise UserError(f"{file}: its features extractor is one of its user's own")
    *hidden, (kernel, bias) = _layers(file, weights)
    if image and hidden:
        hidden[0] = (hidden[0][0] / 255.0, hidden[0][1])
    elif image:
        kernel = kernel / 255.0
    arrays = {"output/kernel": kernel[..., np.newaxis], "output/bias": bias[:, np.newaxis]}
    for number, (own, offset) in enumerate(hidden):
        arrays |= {f"Dense_{number}/kernel": own, f"Dense_{number}/bias": offset}
    network = MLP(tuple(len(offset) for _, offset in hidden), activation=_activation(file, data))  # type: ignore[arg-type]
    return network, arrays


def _convolutional(
    file: Path, data: Mapping[str, Any], weights: Weights, space: gym.Space[Any], image: bool
) -> tuple[Convolutional, dict[str, np.ndarray]]:
    shape = space.shape or ()
    if not channels_first(shape):
        raise UserError(f"{file}: pictures {shape} are not [channels, height, width], as they are in a CnnPolicy")
    dense = [(weights["features_extractor.linear.0.weight"].T, weights["features_extractor.linear.0.bias"])]
    *hidden, (kernel, bias) = [*dense, *_layers(file, weights)]
    if len(hidden) > 1 and _activation(file, data) != "relu":
        raise UserError(f"{file}: the dense layers of a CnnPolicy are read with ReLU alone")
    arrays = {"output/kernel": kernel[..., np.newaxis], "output/bias": bias[:, np.newaxis]}
    height, width = shape[1:]
    for number, (place, side, stride) in enumerate(CONVOLUTIONS):
        own, offset = (weights[f"features_extractor.cnn.{place}.{kind}"] for kind in ("weight", "bias"))
        arrays |= {f"Conv_{number}/kernel": own.transpose(2, 3, 1, 0), f"Conv_{number}/bias": offset}
        height, width = (height - side) // stride + 1, (width - side) // stride + 1
    for number, (own, offset) in enumerate(hidden):
        # Torch flattens channels first, height and width last; here they come first, and channels last.
        places = own.reshape(-1, height, width, own.shape[1]).transpose(1, 2, 0, 3) if number == 0 else own[None, None]
        arrays |= {f"Dense_{number}/kernel": places, f"Dense_{number}/bias": offset}
    widths = tuple(len(offset) for _, offset in hidden)
    return Convolutional(hidden=widths, scale=1 / 255 if image else 1.0), arrays
