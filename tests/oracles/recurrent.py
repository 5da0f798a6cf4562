"""Recurrent networks that can be followed by hand, and plain models of what is learnt from sequences."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import argmaxq as aq
from argmaxq.agents.r2d2 import R2D2
from argmaxq.learning.returns import Scalar
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.types import Row

SPACES = Spaces(ArraySpec((2,), "float32"), DiscreteActions(3))


@aq.component(aq.RecurrentNetwork)
class Fading:
    """memory <- memory / 2 + obs;  z = (memory ** 2) @ weights, with weights [2, 3]."""

    def start(self) -> Any:
        return jnp.zeros(2)

    def init(self, key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
        return jax.random.normal(key, (obs.size, outputs[0]))

    def __call__(self, params: Any, obs: Any, memory: Any, key: Any = None) -> Any:
        memory = memory / 2 + obs
        return (jnp.square(memory) @ params)[:, None], memory


@aq.component(aq.RecurrentNetwork)
class Forgetful:
    """z = obs @ weights, whatever was before."""

    def start(self) -> Any:
        return ()

    def init(self, key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
        return jax.random.normal(key, (obs.size, outputs[0]))

    def __call__(self, params: Any, obs: Any, memory: Any, key: Any = None) -> Any:
        return (obs @ params)[:, None], ()


@aq.component(aq.RecurrentNetwork)
class FirstBit:
    """Repeats the first bit that it saw in a memory chain, -1 or 1, for ever: right in each episode, if it is alone."""

    def start(self) -> Any:
        return jnp.float32(0)

    def init(self, key: Any, obs: Any, outputs: tuple[int, int]) -> Any:
        return jnp.zeros(1)

    def __call__(self, params: Any, obs: Any, memory: Any, key: Any = None) -> Any:
        memory = jnp.where(memory == 0, obs[2], memory)
        return jnp.stack([-memory, memory])[:, None] + params, memory


REMEMBERING = R2D2(network=FirstBit(), returns=Scalar(), learning_starts=10**6, replay=aq.replay.Uniform(2_000))
"""Is right without having learnt anything."""


def story(rows: int, ends: dict[int, str], seed: int = 0) -> Row:
    """Random rows [rows] of one lane; ``ends`` says which are terminated or truncated, after which comes a last row."""
    rng = np.random.default_rng(seed)
    marks = {kind: np.array([ends.get(t) == kind for t in range(rows)]) for kind in ("terminated", "truncated")}
    last = np.array([t - 1 in ends for t in range(rows)])
    reward = np.where(last, 0, rng.normal(size=rows)).astype(np.float32)
    obs = rng.normal(size=(rows, 2)).astype(np.float32)
    return Row(obs, rng.integers(3, size=rows).astype(np.int32), reward, *marks.values(), last)


def looked_back(weights: Any, memory: Any, rows: Row) -> np.ndarray:
    """Action values [rows, 3] of ``Fading``, a row at a time in double precision."""
    values, memory = [], np.asarray(memory, float)
    for obs, last in zip(rows.obs, rows.last, strict=True):
        memory = memory / 2 + obs
        values.append(memory**2 @ np.asarray(weights, float))
        memory = np.zeros(2) if last else memory
    return np.array(values)
