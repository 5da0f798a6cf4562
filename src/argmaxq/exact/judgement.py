"""How good learnt action values are, measured against the exact solution."""

from typing import NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.exact.model import Model
from argmaxq.exact.solvers import evaluate_policy, value_iteration


class Judgement(NamedTuple):
    """A comparison over the states that can be reached and from which an episode goes on.

    Attributes:
        max_error: Greatest |Q(s, a) - Q*(s, a)|.
        agreement: Share of states in which the greedy action is optimal.
        optimal: V* of an episode's start, the mean over the start distribution.
        value: The greedy policy's exact value there; minus infinity where with gamma 1 it need not end.
        regret: ``optimal`` - ``value``.
        states: How many states were compared.
    """

    max_error: float
    agreement: float
    optimal: float
    value: float
    regret: float
    states: int


def judge(model: Model, q: np.ndarray, gamma: float, allowed: np.ndarray | None = None) -> Judgement:
    """Judge action values [states, actions] at a discount; others than those ``allowed`` (bool) are minus infinity.

    Raises:
        UserError: the exact values do not settle, as with gamma 1 where an episode need not end.
    """
    legal = np.ones(q.shape, np.bool_) if allowed is None else allowed
    model = model._replace(weight=np.where(legal[..., None], model.weight, 0.0))
    best = value_iteration(model._replace(reward=np.where(legal, model.reward, -np.inf)), gamma)
    seen = reachable(model)
    chosen = np.argmax(q, axis=1)
    lost = best.values - np.take_along_axis(best.q, chosen[:, None], axis=1)[:, 0]
    optimal = lost <= 1e-9 * np.maximum(1.0, np.abs(best.values))
    try:
        value = float(model.start @ evaluate_policy(_visited(model, chosen), chosen, gamma))
    except UserError:
        value = -np.inf
    wanted = float(model.start @ best.values)
    compared = legal & seen[:, None]
    error = float(np.abs(q[compared] - best.q[compared]).max())
    return Judgement(error, float(optimal[seen].mean()), wanted, value, wanted - value, int(seen.sum()))


def reachable(model: Model) -> np.ndarray:
    """Which states an episode can be in before its end, bool [states]."""
    seen = model.start > 0
    while True:
        going = seen[:, None, None] & (model.weight > 0)
        more = seen.copy()
        more[model.following[going]] = True
        if (more == seen).all():
            return seen
        seen = more


def _visited(model: Model, policy: np.ndarray) -> Model:
    """The model in which nothing follows states that the policy never comes to: they cannot keep it from ending."""
    taken = np.arange(model.actions) == policy[:, None]
    seen = reachable(model._replace(weight=np.where(taken[..., None], model.weight, 0.0)))
    return model._replace(weight=np.where(seen[:, None, None], model.weight, 0.0))
