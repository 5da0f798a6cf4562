"""Probe environments: so small that their optimal action values are known, so that each asks an agent one question.

An agent that cannot learn (a) has a broken loss or optimiser; (b) a broken network input; (c) broken discounting or
bootstrapping; (d) a broken use of actions; (e) a broken pairing of observations with actions; (f) takes a time limit
for a terminal state; (g) lets n-step windows run across an episode's end, or drops the end's last states.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete

Array = Any


class ProbeState(NamedTuple):
    """The episode's random sign (+-1) and the number of steps taken; scalars."""

    sign: Array
    step: Array


class OneStep(FuncEnv):
    """What the probes share: one action, one step, an observation (1,) that is always 0, no reward."""

    observation_space = Box(-2.0, 2.0, (1,), np.float32)
    action_space = Discrete(1)
    length = 1

    def initial(self, rng, params=None):
        return ProbeState(jax.random.rademacher(rng, (), jnp.float32), jnp.int32(0))

    def transition(self, state, action, rng, params=None):
        return state._replace(step=state.step + 1)

    def observation(self, state, rng, params=None):
        return jnp.zeros(1, jnp.float32)

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.float32(0)

    def terminal(self, state, rng, params=None):
        return state.step >= self.length


class ConstantReward(OneStep):
    """(a) Reward 1. Q = 1."""

    observations = ((0,),)

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.float32(1)

    @staticmethod
    def values(gamma):
        return [[1]]


class ObservedReward(OneStep):
    """(b) The observation is +-1 and so is the reward. Q(obs) = obs."""

    observations = ((-1,), (1,))

    def observation(self, state, rng, params=None):
        return state.sign[None]

    def reward(self, state, action, next_state, rng, params=None):
        return state.sign

    @staticmethod
    def values(gamma):
        return [[-1], [1]]


class DelayedReward(OneStep):
    """(c) Two steps, observed as 0 and 1; only the second earns 1. Q(0) = gamma, Q(1) = 1."""

    observations = ((0,), (1,))
    length = 2

    def observation(self, state, rng, params=None):
        return state.step.astype(jnp.float32)[None]

    def reward(self, state, action, next_state, rng, params=None):
        return (state.step == 1).astype(jnp.float32)

    @staticmethod
    def values(gamma):
        return [[gamma], [1]]


class ActionReward(OneStep):
    """(d) Action 0 earns -1 and action 1 earns 1. Q = (-1, 1)."""

    observations = ((0,),)
    action_space = Discrete(2)

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.where(action == 1, 1.0, -1.0)

    @staticmethod
    def values(gamma):
        return [[-1, 1]]


class MatchingReward(OneStep):
    """(e) The observation is +-1; action 1 is right for +1, action 0 for -1: right earns 1, wrong -1."""

    observations = ((-1,), (1,))
    action_space = Discrete(2)

    def observation(self, state, rng, params=None):
        return state.sign[None]

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.where(action == 1, state.sign, -state.sign)

    @staticmethod
    def values(gamma):
        return [[1, -1], [-1, 1]]


class Endless(OneStep):
    """(f) Reward 1 for ever, cut by a time limit only. Q = 1 / (1 - gamma).

    The observation does not show the time. An agent that takes the limit of L steps for a terminal state finds
    1 / (1 - gamma (1 - 1/L)) instead: with L = 4 and gamma = 0.9, 3.1 for 10.
    """

    observations = ((0,),)

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.float32(1)

    def terminal(self, state, rng, params=None):
        return jnp.zeros((), bool)

    @staticmethod
    def values(gamma):
        return [[1 / (1 - gamma)]]


class ShortEpisode(OneStep):
    """(g) Two steps, observed as 0 and 1; the first earns the action (0 or 1), the second 2 whatever the action.

    Since the second action changes nothing, n-step returns of any n and any behaviour policy have the same mean:
    Q(0) = (2 gamma, 1 + 2 gamma), Q(1) = (2, 2). A window of 3 that runs on into the next episode finds more.
    """

    observations = ((0,), (1,))
    action_space = Discrete(2)
    length = 2

    def observation(self, state, rng, params=None):
        return state.step.astype(jnp.float32)[None]

    def reward(self, state, action, next_state, rng, params=None):
        return jnp.where(state.step == 0, jnp.asarray(action).astype(jnp.float32), 2.0)

    @staticmethod
    def values(gamma):
        return [[2 * gamma, 1 + 2 * gamma], [2, 2]]


@dataclasses.dataclass(frozen=True)
class Probe:
    """A probe environment and the answer.

    ``observations`` is float32 [m, 1]; ``q_values(gamma)`` are the optimal action values there, float32 [m, actions].
    """

    name: str
    env: Callable[[], FuncEnv]
    time_limit: int | None
    observations: np.ndarray
    q_values: Callable[[float], np.ndarray]


def probe(name: str, env: Any, time_limit: int | None = None) -> Probe:
    """The probe of an environment class that knows its ``observations`` and ``values(gamma)``."""
    observations = np.array(env.observations, np.float32)
    return Probe(name, env, time_limit, observations, lambda gamma: np.array(env.values(gamma), np.float32))


PROBES = (
    probe("constant-reward", ConstantReward),
    probe("observed-reward", ObservedReward),
    probe("delayed-reward", DelayedReward),
    probe("action-reward", ActionReward),
    probe("matching-reward", MatchingReward),
    probe("endless", Endless, time_limit=4),
    probe("short-episode", ShortEpisode),
)
