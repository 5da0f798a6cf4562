"""The words everything else is written in: rows of experience, transitions, batches and the clock."""

from typing import Any, NamedTuple

import numpy as np

Array = Any
"""A JAX or NumPy array. Shapes stand in the docstrings; axes are named time k, lanes, batch."""
PyTree = Any
ACTION_MASK = "action_mask"
"""What the mask of actions is called in infos and Dict observations, as in Gymnasium's Taxi and in PettingZoo."""
FORBIDDEN = float(np.finfo(np.float32).min)
"""The value of an action that is not allowed: finite, so that a probability of 0 times it is 0."""
LEARNT = "learnt"
"""What infos call the (reward, terminated) that learning is told in place of the own ones, as where a life is lost."""
Metrics = dict[str, Array]


class Row(NamedTuple):
    """One ``env.step`` of one lane: what was seen and done, and what followed. Many have leading axes [k, lanes].

    ``last`` marks the observation after an episode's end: its action is ignored by the environment, its reward is 0
    and it is never learnt from as a start; the next row holds the next episode's first observation. So row t+1 always
    holds the true next observation of row t, also at a time limit, and each observation is stored once.

    Attributes:
        obs: What was seen, [...].
        action: What was done: int32 [], [branches], or float32 [1 + parameters].
        reward: What it gave, [].
        terminated: Whether the episode ended in a terminal state, bool [].
        truncated: Whether it was cut off, as by a time limit, bool []. Where the agent is recurrent, also true of a
            terminated row after which there is none marked ``last``.
        last: Whether this is the observation after an episode's end, bool [].
        before: What acting remembered before this row, where the agent is recurrent.
    """

    obs: Array
    action: Array
    reward: Array
    terminated: Array
    truncated: Array
    last: Array
    before: PyTree = ()


class Transition(NamedTuple):
    """What a formula sees: ``obs`` and ``action``, a sum of rewards, and how much what follows counts.

    Attributes:
        obs: Where it begins, [...].
        action: What was done there.
        reward: The sum of gamma^i r_i over its n steps, [].
        discount: gamma^n, or 0 after a termination, [].
        next_obs: Where it leads, [...].
        place: Where it, or its sequence, stands in the replay, int32 [], once a bootstrap sees it.
    """

    obs: Array
    action: Array
    reward: Array
    discount: Array
    next_obs: Array
    place: Array = ()


class Estimate(NamedTuple):
    """What an agent makes of one observation.

    Attributes:
        z: The network's outputs, [actions, size].
        q: Their values, [actions].
    """

    z: Array
    q: Array


class Estimates(NamedTuple):
    """The online and the target network's estimate of one observation.

    Attributes:
        online: Of the network that learns: z [actions, size], q [actions].
        target: Of the one that is learnt from.
    """

    online: Estimate
    target: Estimate


class Prepared(NamedTuple):
    """A network's parameters, and what it keeps ready of them, such as copies in the form that is multiplied.

    Attributes:
        params: The parameters.
        copies: What is kept ready.
    """

    params: PyTree
    copies: PyTree


class Batch(NamedTuple):
    """Sampled transitions; all have a leading axis [batch].

    Attributes:
        transition: What is learnt from, each leaf [batch, ...].
        weight: Importance weights, [batch].
        index: Where in the replay they came from, int32 [batch].
        key: What is random in learning from them, for networks that ask for one.
    """

    transition: Transition
    weight: Array
    index: Array
    key: Array | None = None


class Keys(NamedTuple):
    """What one look at an observation may depend on by chance.

    Attributes:
        shared: A key that a batch shares.
        own: One of its own.
    """

    shared: Array
    own: Array


class Clock(NamedTuple):
    """What schedules may depend on, int32 [] each.

    Attributes:
        step: Env steps of all lanes so far.
        episode: Finished episodes.
        update: Gradient updates.
        total: How many env steps the run is to have.
    """

    step: Array = 0
    episode: Array = 0
    update: Array = 0
    total: Array = 1


START = Clock()
