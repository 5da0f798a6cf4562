"""What follows for learning from what an environment is: pure rules, shared by every start of its own."""

import math

import numpy as np

from argmaxq.environments.survey import Survey
from argmaxq.networks.bounds import ASSUMED
from argmaxq.networks.convolutional.encoders import Encoder, Layers, Minatar, Nature
from argmaxq.networks.convolutional.images import sides
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.recipes.recipe import Evaluation
from argmaxq.spaces import ArraySpec

Box = tuple[tuple[float, ...], tuple[float, ...]]
"""Least and greatest value of each entry of an observation."""
REACH = 10.0
"""Returns in learning: what those of random play are scaled to."""
OFTEN, OFTEN_OF_GAMES = 2_000, 100_000
"""Steps between two evaluations at least: a block of training; what five games of Atari may take."""
CUT = 1_000
"""Steps after which episodes are cut that know no other end."""
MEMORY = 2**30
"""Bytes that a replay's observations may take."""


def discount(time_limit: int | None) -> float:
    """Gamma: it looks ahead a fifth of the longest episode, but at least 100 and at most 500 steps."""
    return round(1.0 - 1.0 / np.clip((time_limit or 0) / 5, 100, 500), 4)


def reward_scale(largest_return: float) -> float:
    """Factor on rewards that makes returns of random play reach ``REACH``; 1 where it never met a reward."""
    return short(REACH / largest_return) if 0.0 < largest_return < np.inf else 1.0


def return_range(found: Survey, gamma: float, scale: float) -> tuple[float, float]:
    """Least and greatest discounted return, scaled: if all rewards were the least, or greatest, that random play met.

    Neither is beyond 5 times ``REACH``, for rewards that are rare and large come once.
    """
    seen = found.reward[np.isfinite(found.reward)]
    steps = found.longest or np.inf
    weight = (1.0 - gamma**steps) / (1.0 - gamma) if gamma < 1.0 else steps

    def bound(reward: float) -> float:
        return short(min(abs(reward) * scale * weight, 5.0 * REACH)) if reward else 0.0

    low, high = -bound(min(seen.min(initial=0.0), 0.0)), bound(max(seen.max(initial=0.0), 0.0))
    return (low, high) if low < high else (-REACH, REACH)


def evaluation(steps: int, longest: int | None) -> Evaluation:
    """25 evaluations, each of a tenth of the run's steps or 20,000 at most, but of 5 to 100 episodes."""
    episodes = min(20_000, steps // 10) // (longest or CUT)
    return Evaluation(max(1, steps // 25), int(np.clip(episodes, 5, 100)))


def evaluated_every(every: int, steps: int, least: int = OFTEN) -> int:
    """Steps between evaluations: a tenth of the run's, ``least`` at least, for fewer than five of ``every``."""
    return min(every, max(steps // 10, least)) if steps < 5 * every else every


def capacity(spec: ArraySpec, steps: int, least: int) -> int:
    """Rows of a replay: all of the run, but 200,000 at most and no more than ``MEMORY`` holds; at least ``least``."""
    spec = spec.packed
    bytes_ = np.dtype(spec.dtype).itemsize * int(np.prod(spec.shape)) // max(spec.frames, 1)
    return max(min(steps, 200_000, MEMORY // max(bytes_, 1)), least)


def input_box(found: Survey) -> Box:
    """The box whose entries a network sees as [-1, 1]: three deviations round the mean of random play.

    Half of a side is at least a tenth of the declared one and at most all of it, for random play may not come far, and
    declared bounds are often wide. Empty where no rows were seen: the declared bounds then hold.
    """
    if not len(found.obs):
        return (), ()
    low, high, known = _declared(found.spaces.observation)
    middle, deviation = _moments(found.obs)
    declared = np.where(known, (high - low) / 2, np.inf)
    half = np.clip(3.0 * deviation, np.where(known, declared / 10, 0.0), declared)
    return _box(middle, np.where(half > 0.0, half, 1.0))


def feature_box(found: Survey) -> Box:
    """The box that tiles divide: the declared bounds; where there are none, four deviations round the mean seen."""
    low, high, known = _declared(found.spaces.observation)
    middle, deviation = _moments(found.obs) if len(found.obs) else (np.zeros(len(low)), np.full(len(low), ASSUMED / 4))
    half = np.where(deviation > 0.0, 4.0 * deviation, ASSUMED)
    return _box(np.where(known, (low + high) / 2, middle), np.where(known, (high - low) / 2, half))


def encoder(shape: tuple[int, ...]) -> Encoder:
    """Convolutions that suit a picture's size: DQN's, smaller ones from 16 x 16 on, or MinAtar's."""
    side = min(sides(shape))
    if side >= 36:
        return Nature()
    return Layers((32, 64, 64), (3, 3, 3), (2, 2, 1), "same") if side >= 16 else Minatar()


def short(value: float) -> float:
    """A number of two significant digits: fit to be read, and to be written again."""
    return float(f"{value:.2g}")


def _declared(spec: ArraySpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Declared bounds of each entry, and whether both are finite and apart."""
    entries = int(np.prod(spec.shape))
    low, high = (np.array(bound or [sign * np.inf] * entries) for bound, sign in ((spec.low, -1), (spec.high, 1)))
    known = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED) & (low < high)
    return np.where(known, low, 0.0), np.where(known, high, 0.0), known


def _moments(obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each entry, over what is finite."""
    finite = np.isfinite(obs)
    count = np.maximum(finite.sum(0), 1)
    mean = np.where(finite, obs, 0.0).sum(0) / count
    return mean, np.sqrt((np.where(finite, obs - mean, 0.0) ** 2).sum(0) / count)


def _box(middle: np.ndarray, half: np.ndarray) -> Box:
    """The box, its bounds to a hundredth of its sides or a little more."""
    digits = [1 - math.floor(math.log10(side)) for side in half.tolist()]
    low, high = (
        tuple(round(bound, places) for bound, places in zip(bounds.tolist(), digits, strict=True))
        for bounds in (middle - half, middle + half)
    )
    return low, high
