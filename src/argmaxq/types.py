"""The words everything else is written in: rows of experience, transitions, batches, the clock and spaces."""

import dataclasses
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array = Any
"""A JAX or NumPy array. Shapes stand in the docstrings; axes are named time k, lanes, batch."""
PyTree = Any
Metrics = dict[str, Array]


class Row(NamedTuple):
    """One ``env.step`` of one lane: what was seen and done, and what followed.

    ``last`` marks the observation after an episode's end: its action is ignored by the environment, its reward is 0
    and it is never learnt from as a start; the next row holds the next episode's first observation. So row t+1 always
    holds the true next observation of row t, also at a time limit, and each observation is stored once.

    ``before`` is what acting remembered before this row, where the agent is recurrent.
    """

    obs: Array
    action: Array
    reward: Array
    terminated: Array
    truncated: Array
    last: Array
    before: PyTree = ()


class Transition(NamedTuple):
    """What a formula sees: ``reward`` = sum of gamma^i r_i, ``discount`` = gamma^n, or 0 after a termination."""

    obs: Array
    action: Array
    reward: Array
    discount: Array
    next_obs: Array


class Estimate(NamedTuple):
    """What an agent makes of one observation: a network's outputs z [actions, size] and their values q [actions]."""

    z: Array
    q: Array


class Estimates(NamedTuple):
    """The online and the target network's estimate of one observation."""

    online: Estimate
    target: Estimate


class Batch(NamedTuple):
    """Sampled transitions with their importance weights and where in the replay they came from; leading axis batch."""

    transition: Transition
    weight: Array
    index: Array


class Clock(NamedTuple):
    """What schedules may depend on: env steps of all lanes, finished episodes, gradient updates (int32 each).

    ``total`` is how many env steps the run is to have.
    """

    step: Array = 0
    episode: Array = 0
    update: Array = 0
    total: Array = 1


START = Clock()


@dataclasses.dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype name of one array, and the least and greatest value of each entry, flat, where known.

    ``categories`` is not 0 where the array is an index 0 .. categories - 1 without any order, such as a state's number.
    """

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    high: tuple[float, ...] = dataclasses.field(default=(), compare=False)
    categories: int = 0


@dataclasses.dataclass(frozen=True)
class DiscreteActions:
    """Actions 0 .. n-1. Adaptors translate them to the environment's own format."""

    n: int

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec((), "int32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions [count]."""
        return generator.integers(self.n, size=count, dtype=np.int32)


@dataclasses.dataclass(frozen=True)
class HybridActions:
    """Actions of which each has parameters of its own (Masson et al. 2016).

    One action is one float32 array [1 + parameters]: the number of the chosen action, then the parameters of all
    actions one after the other, each scaled to [-1, 1]. Adaptors translate it to the environment's own format.

    Attributes:
        sizes: How many parameters each action has.
    """

    sizes: tuple[int, ...]

    @property
    def n(self) -> int:
        return len(self.sizes)

    @property
    def parameters(self) -> int:
        """How many parameters all actions have together."""
        return sum(self.sizes)

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec((1 + self.parameters,), "float32")

    def random(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Uniformly random actions with uniformly random parameters [count, 1 + parameters]."""
        chosen = generator.integers(self.n, size=(count, 1))
        return np.hstack([chosen, generator.uniform(-1, 1, (count, self.parameters))]).astype(np.float32)


Actions: TypeAlias = DiscreteActions | HybridActions


@dataclasses.dataclass(frozen=True)
class Spaces:
    """What an agent must know of an environment: the array it observes and the actions it may take."""

    observation: ArraySpec
    action: Actions
