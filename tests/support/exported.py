"""Policies of all kinds with weights that nobody learnt, and what must hold where the same policy acts elsewhere."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

import argmaxq as aq
from argmaxq.components.component import bind
from argmaxq.exports.agreement import sampled
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.spaces import read_spaces
from argmaxq.learning.normalisers import Moments
from argmaxq.verbs.policy import Policy

MANY = 10_000
BOX = spaces.Box(np.array([-1, -2, -3, -4], np.float32), np.array([1, 2, 3, 4], np.float32))
PICTURE = spaces.Box(0, 255, (10, 10, 4), np.uint8)
MIXED = spaces.Dict(
    place=spaces.Box(-1, 1, (2,), np.float64),
    kind=spaces.Discrete(3, start=1),
    several=spaces.MultiDiscrete([2, 3]),
    bits=spaces.MultiBinary(2),
)
PLATFORM = spaces.Tuple((spaces.Discrete(3), spaces.Tuple([spaces.Box(0, bound, (1,)) for bound in (30, 720, 430)])))


def policy_of(
    agent: Any, observation: spaces.Space[Any] = BOX, action: spaces.Space[Any] | None = None, mask: Mask = "none"
) -> Policy:
    """A policy of an agent on these spaces, whose weights are all random, biases and moments too."""
    adaptor = read_spaces(observation, spaces.Discrete(5, start=2) if action is None else action, mask=mask)
    agent = bind(agent, adaptor.spaces)
    params = agent.init(jax.random.key(1), adaptor.spaces, 1).params
    keys = iter(jax.random.split(jax.random.key(2), 1_000))

    def moved(leaf: Any) -> Any:
        if isinstance(leaf, Moments):
            spread = jnp.square(_noise(next(keys), leaf.squares)) + 0.5
            return Moments(jnp.float32(101), _noise(next(keys), leaf.mean), 100 * spread)
        return leaf + _noise(next(keys), leaf)

    return Policy(agent, jax.tree.map(moved, params, is_leaf=lambda leaf: isinstance(leaf, Moments)), adaptor)


def _noise(key: jax.Array, like: jax.Array) -> jax.Array:
    """Of a size that keeps values of the order of 1."""
    kernel = 1.5 * math.prod(like.shape[:-1]) ** -0.5
    size = {0: 0.05, 1: 0.05, 2: kernel, 4: kernel}.get(like.ndim, 0.5)  # tables and outputs have three axes
    return size * jax.random.normal(key, like.shape)


def asked(policy: Policy, count: int = MANY) -> tuple[Any, np.ndarray | None]:
    """Random observations, and masks where infos tell them."""
    return sampled(policy, np.random.default_rng(7), count)


def assert_same(
    policy: Policy, obs: Any, mask: Any, actions: np.ndarray, values: np.ndarray, at_once: int = MANY
) -> None:
    """That actions are the policy's, but where the best two are as good, and values, of the first hundred parts."""
    parts = [slice(first, first + at_once) for first in range(0, len(actions), at_once)]
    each = [jax.tree.map(lambda array, part=part: array[part], (obs, mask)) for part in parts]
    expected = np.concatenate([policy.values(*one) for one in each[:100]])
    there, found = np.isfinite(expected), values[: len(expected)]
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-4, atol=1e-4)
    assert (found[~there] == -np.inf).all()
    assert np.std(found[there]) > 0.05
    second, first = np.sort(values, axis=-1)[:, -2:].T
    close = first - second < 1e-5
    assert close.mean() < 0.01 or isinstance(policy.agent.network, aq.networks.Table)
    ours = np.concatenate([_number(policy(*one)) for one in each])
    np.testing.assert_array_equal(actions[~close], ours[~close])


def _number(action: Any) -> np.ndarray:
    return np.asarray(action[0] if isinstance(action, tuple) else action)


def elsewhere(code: str, folder: Path, *blocked: str) -> None:
    """Run code in a process of its own where these modules cannot be imported; ``folder`` is where it runs."""
    lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in blocked), code]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def mlp(**fields: Any) -> Any:
    """A DQN of a small perceptron."""
    returns = fields.pop("returns", aq.returns.Scalar())
    return aq.agents.DQN(network=aq.networks.MLP((16, 16), **fields), returns=returns)
