"""A finite decision problem as arrays, and reading it from the transition tables of Gymnasium's environments."""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from argmaxq.components.errors import UserError


class Outcomes(NamedTuple):
    """Everything that can follow an action, padded with outcomes of probability 0.

    Attributes:
        probability: Of each outcome, [states, actions, outcomes].
        following: The next state's number, int32 [states, actions, outcomes].
        reward: The reward, [states, actions, outcomes].
        terminated: Whether the episode ends, bool [states, actions, outcomes].
        start: The distribution of an episode's first state, [states].
    """

    probability: np.ndarray
    following: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    start: np.ndarray


class Model(NamedTuple):
    """What solvers need of a finite decision problem.

    Attributes:
        reward: Expected reward of each action, float64 [states, actions].
        weight: Probability of each following state from which the episode goes on, [states, actions, outcomes].
        following: Those states, [states, actions, outcomes].
        start: Distribution of an episode's first state, [states].
    """

    reward: np.ndarray
    weight: np.ndarray
    following: np.ndarray
    start: np.ndarray

    @property
    def states(self) -> int:
        """Number of states."""
        return int(self.reward.shape[0])

    @property
    def actions(self) -> int:
        """Number of actions."""
        return int(self.reward.shape[1])


def from_outcomes(outcomes: Outcomes) -> Model:
    """The model in which each outcome has its probability and nothing follows a termination."""
    probability = outcomes.probability
    reward = np.sum(probability * outcomes.reward, axis=-1)
    return Model(reward, np.where(outcomes.terminated, 0.0, probability), outcomes.following, outcomes.start)


def outcomes_of(env: gym.Env[Any, Any]) -> Outcomes:
    """The transition tables ``env.unwrapped.P[state][action] = [(probability, state, reward, terminated), ...]``.

    Raises:
        UserError: the environment has no such tables.
    """
    tables = getattr(env.unwrapped, "P", None)
    if not isinstance(tables, dict):
        raise UserError(f"{env} has no transition tables (env.unwrapped.P), so it cannot be solved exactly")
    states, actions = len(tables), len(tables[0])
    lists = [[tables[state][action] for action in range(actions)] for state in range(states)]
    widest = max(len(outcomes) for row in lists for outcomes in row)
    nothing = (0.0, 0, 0.0, True)
    padded = [[[*each, *[nothing] * (widest - len(each))] for each in row] for row in lists]
    columns = np.array(padded, np.float64)
    start = np.asarray(getattr(env.unwrapped, "initial_state_distrib", np.eye(states)[0]), np.float64)
    following, terminated = columns[..., 1].astype(np.int32), columns[..., 3].astype(np.bool_)
    return Outcomes(columns[..., 0], following, columns[..., 2], terminated, start / start.sum())


def allowed_of(env: gym.Env[Any, Any]) -> np.ndarray | None:
    """Which actions ``env.unwrapped.action_mask(state)`` allows in each state, bool [states, actions]; None without."""
    own: Any = env.unwrapped
    if not callable(getattr(own, "action_mask", None)):
        return None
    return np.array([own.action_mask(state) for state in range(len(own.P))], np.bool_)


def model_of(env: gym.Env[Any, Any]) -> Model:
    """The model of an environment with transition tables; see ``outcomes_of``.

    Raises:
        UserError: it has no tables.
    """
    return from_outcomes(outcomes_of(env))
