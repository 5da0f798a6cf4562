"""Dynamic programming (Bellman 1957; Howard 1960; Sutton and Barto, 2nd ed., chapter 4), in float64.

Policies are actions [states], or probabilities [states, actions].
"""

from typing import NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.exact.model import Model

MOST_SWEEPS = 1_000_000


class Solution(NamedTuple):
    """Optimal values.

    Attributes:
        values: V*(s) [states].
        q: Q*(s, a) [states, actions].
        policy: An optimal action in each state; the first of equals.
    """

    values: np.ndarray
    q: np.ndarray
    policy: np.ndarray


def action_values(model: Model, values: np.ndarray, gamma: float) -> np.ndarray:
    """Q(s, a) = E[r + gamma V(s')] (eq. 4.6), [states, actions]."""
    return np.asarray(model.reward + gamma * np.einsum("sak,sak->sa", model.weight, values[model.following]))


def greedy_policy(q: np.ndarray, tolerance: float = 1e-9) -> np.ndarray:
    """The first action within ``tolerance`` (relative, for values above 1) of the best, [states]."""
    best = q.max(axis=1, keepdims=True)
    return np.asarray(np.argmax(q >= best - tolerance * np.maximum(np.abs(best), 1.0), axis=1))


def value_iteration(model: Model, gamma: float, tolerance: float = 0.0, start: np.ndarray | None = None) -> Solution:
    """V <- max_a Q(s, a), from ``start`` [states] or 0, until no value changes by more than ``tolerance``, or rounding.

    Raises:
        UserError: values do not settle, as with gamma 1 where an episode need not end.

    CliffWalking's shortest way along the cliff has 13 steps of -1 each:

    Examples:
        >>> import gymnasium
        >>> from argmaxq.exact import model_of
        >>> float(value_iteration(model_of(gymnasium.make("CliffWalking-v1")), gamma=1.0).values[36])
        -13.0
    """
    values = np.zeros(model.states) if start is None else np.asarray(start, np.float64)
    for _ in range(MOST_SWEEPS):
        new = action_values(model, values, gamma).max(axis=1)
        change, size = np.abs(new - values).max(), np.abs(new).max()
        values = new
        if change <= max(tolerance, np.finfo(np.float64).eps * size):
            return _solution(model, values, gamma)
        if size > 1e12:
            break
    raise UserError(f"value iteration does not settle with gamma = {gamma}: the values grow or swing for ever")


def evaluate_policy(model: Model, policy: np.ndarray, gamma: float) -> np.ndarray:
    """V of a policy, the solution of (I - gamma P) V = r, [states].

    Raises:
        UserError: with gamma 1, where the policy does not end every episode.
    """
    chosen = probabilities(policy, model.actions)
    moves = np.zeros((model.states, model.states))
    rows = np.arange(model.states)[:, np.newaxis, np.newaxis]
    np.add.at(moves, (np.broadcast_to(rows, model.following.shape), model.following), chosen[..., None] * model.weight)
    matrix = np.eye(model.states) - gamma * moves
    try:
        values = np.linalg.solve(matrix, np.sum(chosen * model.reward, axis=1))
    except np.linalg.LinAlgError:
        values = np.full(model.states, np.nan)
    if not np.isfinite(values).all() or np.linalg.cond(matrix, 1) > 1e14:
        raise UserError(f"the policy has no finite values with gamma = {gamma}: it need not end every episode")
    return np.asarray(values)


def policy_iteration(model: Model, gamma: float) -> Solution:
    """Evaluate, improve where another action is better, until none is (Howard 1960).

    It starts from the uniformly random policy, which ends every episode that can be ended; an action is kept
    unless another is better, so that with gamma 1 no policy in between goes round in circles.

    Raises:
        UserError: values do not settle, as with gamma 1 where an episode need not end.
    """
    policy = np.full((model.states, model.actions), 1.0 / model.actions)
    values = evaluate_policy(model, policy, gamma)
    current = greedy_policy(action_values(model, values, gamma))
    for _ in range(MOST_SWEEPS):
        values = evaluate_policy(model, current, gamma)
        q = action_values(model, values, gamma)
        better = greedy_policy(q)
        rows = np.arange(model.states)
        gains = q[rows, better] - q[rows, current] > 1e-12 * np.maximum(1.0, np.abs(values))
        if not gains.any():
            break
        current = np.where(gains, better, current)
    return _solution(model, values, gamma)


def finite_horizon(model: Model, gamma: float, horizon: int) -> np.ndarray:
    """Q*(s, a) with 0, 1, ..., ``horizon`` steps to go, [horizon + 1, states, actions] (backward induction)."""
    q = np.zeros((horizon + 1, model.states, model.actions))
    for left in range(1, horizon + 1):
        q[left] = action_values(model, q[left - 1].max(axis=1), gamma)
    return q


def probabilities(policy: np.ndarray, actions: int) -> np.ndarray:
    """A policy as probabilities [states, actions]."""
    return np.eye(actions)[policy] if policy.ndim == 1 else policy


def _solution(model: Model, values: np.ndarray, gamma: float) -> Solution:
    q = action_values(model, values, gamma)
    return Solution(values, q, greedy_policy(q))
