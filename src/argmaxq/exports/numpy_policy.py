"""Acts as the policy whose files lie beside this one, with NumPy alone.

from policy import load; policy = load(); action = policy(obs)  # as env.step takes it; of a batch, one for each
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
DTYPES = {"F32": "<f4", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1"}


class Policy:
    """A greedy policy, of what policy.json says and the arrays that its program names."""

    def __init__(self, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.told, self.arrays = told, arrays

    def __call__(self, obs: Any, mask: Any = None) -> Any:
        """The best action, among those that a mask allows where there is one."""
        return self.arrays["actions"][np.argmax(self.values(obs, mask), axis=-1)]

    def values(self, obs: Any, mask: Any = None) -> np.ndarray:
        """Action values [actions], or [batch, actions]; minus infinity where an action is not allowed."""
        x = flat(self.told["observation"], obs)
        for name, *operands in self.told["program"]:
            given = [self.arrays[each] if isinstance(each, str) else each for each in operands]
            x = OPERATIONS[name](x, *given)
        mask = obs["action_mask"] if self.told["mask"] == "observation" else mask
        if self.told["mask"] == "none":
            return x
        if mask is None:
            raise ValueError("this policy needs the mask of allowed actions: policy(obs, info['action_mask'])")
        return np.where(np.asarray(mask, bool), x, -np.inf)


def load(folder: Path | str = HERE) -> Policy:
    """The policy of a folder with policy.json and policy.safetensors."""
    content = Path(folder, "policy.safetensors").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    arrays = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            first, last = (start + offset for offset in entry["data_offsets"])
            arrays[name] = np.frombuffer(content[first:last], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return Policy(json.loads(Path(folder, "policy.json").read_text(encoding="utf-8")), arrays)


def flat(space: dict[str, Any], obs: Any) -> np.ndarray:
    """Observations as float32 [..., numbers]; the number of a category is a row of zeros with a one."""
    if space["type"] in ("dict", "tuple"):
        parts = space["spaces"] if space["type"] == "dict" else enumerate(space["spaces"])
        return np.concatenate([flat(part, obs[key]) for key, part in parts], axis=-1)
    if space["type"] == "discrete":
        return (np.asarray(obs)[..., None] - space["start"] == np.arange(space["n"])).astype(np.float32)
    array = np.asarray(obs, np.float32)
    array = array.reshape(*array.shape[: array.ndim - len(space["shape"])], -1)
    if space["type"] != "multi-discrete":
        return array
    numbers = zip(np.moveaxis(array, -1, 0), space["start"], space["nvec"], strict=True)
    return np.concatenate([flat({"type": "discrete", "start": s, "n": n}, each) for each, s, n in numbers], axis=-1)


def expanded(x: np.ndarray, epsilon: float) -> np.ndarray:
    """The y whose sign(y) (sqrt(|y| + 1) - 1) + epsilon y is x."""
    size = np.abs(x) + 1 + epsilon
    return np.sign(x) * ((2 * size / (np.sqrt(1 + 4 * epsilon * size) + 1)) ** 2 - 1)


OPERATIONS: dict[str, Any] = {
    "add": np.add,
    "multiply": np.multiply,
    "matmul": np.matmul,
    "clip": np.clip,
    "normalise": lambda x, epsilon: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon),
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * 0.5 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "cosine": lambda x: np.cos(np.pi * x),
    "cells": lambda x, n, moves, most: np.minimum((x[..., None, :] * n + moves).astype(np.int64), most),
    "rows": lambda x, strides, first, table: table[x @ strides + first].sum(-2),
    "bumps": lambda x, places, width: np.exp(-0.5 * ((x[..., None, :] - places) ** 2).sum(-1) / width**2),
    "shares": lambda x: x / np.maximum(x.sum(-1, keepdims=True), 1e-30),
    "powers": lambda x, exponents: (x[..., None, :] ** exponents).prod(-1),
    "outputs": lambda x, actions, size: x.reshape(*x.shape[:-1], actions, size),
    "first": lambda x: x[..., 0],
    "mean": lambda x: x.mean(-1),
    "peaks": lambda x: np.exp(x - x.max(-1, keepdims=True)),
    "expectation": lambda x, support: (x * support).sum(-1) / x.sum(-1),
    "expand": expanded,
}
"""What a program is made of: each maps what the one before it gave, batch axes first."""
