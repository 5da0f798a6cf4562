"""Whether what was exported acts as its policy: both are asked about the same random observations."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import gymnasium as gym
import jax
import numpy as np
from gymnasium import spaces

from argmaxq.components.errors import UserError
from argmaxq.exports.function import NEXT, acts, started
from argmaxq.exports.observed import handed_over
from argmaxq.types import ACTION_MASK
from argmaxq.verbs.policy import Policy, Regard

Exported: TypeAlias = Callable[[Any, Any, Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
"""Observations [batch, ...], their masks or None, and the memory by name -> what ``PolicyFunction`` says, by name."""

STEPS, LANES = 8, 32
CLOSE = 1e-5
"""Relative difference of the best two values below which either is the best."""
ALIKE = 1e-3
"""Relative difference of numbers beyond which two policies are not the same."""
WIDEST = 1e6
"""Bounds beyond which observations are taken to be of the order of 1."""


class Agreement(NamedTuple):
    """On how many observations both acted alike, and the greatest difference of their numbers.

    It is relative to 1 + a number's size.
    """

    observations: int
    difference: float


def agreement(policy: Policy, exported: Exported, seed: int = 0) -> Agreement:
    """Ask both about random observations, a recurrent policy about several in a row.

    Raises:
        UserError: they do not act alike.
    """
    generator, greatest, acted = np.random.default_rng(seed), 0.0, acts(policy.adaptor)
    memories = [policy.start() for _ in range(LANES)]
    remembered = {name: np.stack([leaf] * LANES) for name, leaf in started(policy).items()}
    for _ in range(STEPS):
        obs, mask = sampled(policy, generator, LANES)
        made = exported(obs, mask, remembered)
        for lane, memory in enumerate(memories):
            one, allowed = jax.tree.map(lambda array, lane=lane: array[lane], (obs, mask))
            ours = policy.regard(one, memory, allowed)
            memories[lane] = ours.memory
            after = {NEXT + name: leaf for name, leaf in started(policy, ours.memory).items()}
            theirs = {name: array[lane] for name, array in made.items()}
            greatest = max(greatest, _apart(ours, {**acted(ours.array), **after}, theirs))
        remembered = {name: made[NEXT + name] for name in remembered}
    return Agreement(STEPS * LANES, greatest)


def sampled(policy: Policy, generator: np.random.Generator, count: int) -> tuple[Any, np.ndarray | None]:
    """Random observations [count], and random masks where infos tell them."""
    adaptor = policy.adaptor
    obs = _sampled(adaptor.source[0], generator, count)
    if adaptor.mask == "none":
        return obs, None
    masks = (generator.random((count, adaptor.spaces.action.n)) < 0.5).astype(np.int8)
    masks[np.arange(count), generator.integers(masks.shape[1], size=count)] = 1
    return (obs, masks) if adaptor.mask == "info" else ({**obs, ACTION_MASK: masks}, None)


def _sampled(space: gym.Space[Any], generator: np.random.Generator, count: int) -> Any:
    match space:
        case spaces.Dict():
            return {key: _sampled(part, generator, count) for key, part in space.spaces.items()}
        case spaces.Tuple():
            return tuple(_sampled(part, generator, count) for part in space.spaces)
        case spaces.Discrete():
            return generator.integers(space.start, space.start + space.n, size=count).astype(np.int32)
        case spaces.MultiDiscrete():
            shape = (count, *space.shape)
            return generator.integers(space.start, space.start + space.nvec, size=shape).astype(np.int32)
        case spaces.MultiBinary():
            return generator.integers(2, size=(count, *space.shape)).astype(np.int8)
    return _in_box(space, generator, count)


def _in_box(space: Any, generator: np.random.Generator, count: int) -> np.ndarray:
    """Uniform between bounds, normal where there are none."""
    low, high, dtype, shape = space.low.astype(float), space.high.astype(float), space.dtype, (count, *space.shape)
    bounded = (np.abs(low) < WIDEST) & (np.abs(high) < WIDEST)
    inside = generator.uniform(np.where(bounded, low, 0), np.where(bounded, high, 1), shape)
    values = np.where(bounded, inside, np.clip(generator.normal(size=shape), low, high))
    return np.asarray((np.rint(values) if dtype.kind in "iub" else values).astype(handed_over(dtype)))


def _apart(ours: Regard, numbers: Mapping[str, Any], theirs: Mapping[str, np.ndarray]) -> float:
    """The greatest difference of numbers; raises UserError where another action is taken or they are not alike."""
    expected = {name: np.asarray(array) for name, array in numbers.items()}
    if ours.values is not None:
        expected["values"] = ours.values
    if not np.array_equal(expected.pop("action"), theirs["action"]) and not _tied(ours):
        raise UserError("what was exported does not act as the policy: it is not to be used")
    apart = 0.0
    for name, array in expected.items():
        there = np.isfinite(array)
        if (there != np.isfinite(theirs[name])).any():
            raise UserError("what was exported allows other actions than the policy: it is not to be used")
        difference = np.abs(array[there] - theirs[name][there]) / (1.0 + np.abs(array[there]))
        apart = max(apart, float(difference.max(initial=0.0)))
        if not apart < ALIKE:
            raise UserError(f"what was exported has other {name} than the policy: it is not to be used")
    return apart


def _tied(ours: Regard) -> bool:
    """Whether the two best actions are as good as each other; of several choices at once, in any of them."""
    if ours.values is None:
        return False
    second, first = np.moveaxis(np.sort(ours.values, axis=-1)[..., -2:], -1, 0)
    return bool((first - second < CLOSE * (1.0 + np.abs(first))).any())
