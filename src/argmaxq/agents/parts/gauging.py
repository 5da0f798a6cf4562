"""What agents that follow gradients tell of their health, once in a while, without changing anything."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

from argmaxq.learning.activations import hidden
from argmaxq.learning.diagnostics import (
    Watch,
    Watched,
    churn,
    distance,
    dormant_share,
    effective_rank,
    norms,
)
from argmaxq.types import Array, Clock, Metrics

SAMPLES = 128
"""States at which units and choices are looked at."""
OPTIMISERS = ("optimiser", "actor_optimiser")


def after_update(
    agent: Any, learner: Any, update: Callable[[Any, Any], tuple[Any, Array]]
) -> tuple[Any, Array, Metrics]:
    """What one more update would come to: the learner, what else ``update`` gives, and the gradients' norms.

    ``update(agent, learner)`` is called with optimisers that keep these norms.
    """
    names = [name for name in OPTIMISERS if hasattr(agent, name)]
    watching = dataclasses.replace(agent, **{name: Watched(getattr(agent, name)) for name in names})
    states = learner.optimiser
    kept = Watch(states, 0.0) if len(names) == 1 else type(states)(*(Watch(each, 0.0) for each in states))
    after, told = update(watching, learner._replace(optimiser=kept))
    keys = [name.replace("optimiser", "gradient_norm") for name in names]
    return after, told, dict(zip(keys, norms(after.optimiser), strict=True))


def health(agent: Any, learner: Any, after: Any, obs: Array, action: Array, clock: Clock) -> Metrics:
    """Of the networks before and ``after`` an update, at obs [batch, ...] and actions [batch, ...]."""
    found = _rates(agent, clock._replace(update=learner.updates))
    if hasattr(agent, "preferences"):
        preferences = jax.vmap(agent.preferences, (None, 0))
        found["churn"] = churn(preferences(learner.params, obs), preferences(after.params, obs))
    if hasattr(learner, "target"):
        found["target_distance"] = distance(learner.target, learner.params)
    return found | (_units(agent, learner.params, obs, action) if hasattr(agent, "forward") else {})


def _rates(agent: Any, clock: Clock) -> Metrics:
    """Learning rates of optimisers that say theirs."""
    optimisers: dict[str, Any] = {name: getattr(agent, name, None) for name in OPTIMISERS}
    rated = {name: each for name, each in optimisers.items() if hasattr(each, "rate")}
    return {name.replace("optimiser", "learning_rate"): each.rate(clock) for name, each in rated.items()}


def _units(agent: Any, params: Any, obs: Array, action: Array) -> Metrics:
    """What becomes of a network's hidden units, if it has any."""
    layers = jax.vmap(lambda obs, action: hidden(agent.forward, params, obs, action))(obs, action)
    if not layers:
        return {}
    return {"dormant": dormant_share(layers), "effective_rank": effective_rank(layers[-1])}
