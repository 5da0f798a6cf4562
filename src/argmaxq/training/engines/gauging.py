"""Diagnostics at a block's end, the same on both engines: the agent's own, and those of a user's component."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError, told
from argmaxq.components.registry import type_name
from argmaxq.recipes.recipe import Diagnostics
from argmaxq.roles import Gauge
from argmaxq.spaces import Spaces
from argmaxq.streams import Streams
from argmaxq.types import Array, Clock, Metrics

TAKEN = (
    *("step", "updates", "episodes", "mean_return", "loss", "q", "actor_loss", "epsilon"),
    *("q_foreseen", "q_followed", "q_bias", "q_spread"),
)
"""What else stands in metrics.jsonl; not a name for a user's own numbers."""


def gauged(
    own: Gauge | None, lanes: int, agent: Any, numbers: tuple[Array, Array], keys: Streams, state: Any
) -> Metrics:
    """What is measured of an engine's state after ``numbers[0]`` iterations of a run of ``numbers[1]`` env steps."""
    iteration, total = numbers
    step = iteration * agent.rollout * lanes
    clock = Clock(step, state.episodes.finished, state.totals.updates, total)
    first, second = jax.random.split(jax.random.fold_in(keys.diagnostics, iteration))
    found: Metrics = agent.gauge(state.learner, clock, first) if hasattr(agent, "gauge") else {}
    return found if own is None else found | _own(own, agent, state.learner, clock, second, found)


def gauge(wanted: Diagnostics, spaces: Spaces, lanes: int, agent: Any, keys: Streams, state: Any) -> Gauge | None:
    """A user's component, if any, that measures this agent's learner; ``state`` may be shapes alone.

    Raises:
        UserError: the component fails, or gives anything but numbers by names of their own.
    """
    own = bind(wanted.gauge, spaces)
    if own is not None:
        first = (jnp.int32(1), jnp.int32(1))
        jax.eval_shape(lambda keys, state: gauged(own, lanes, agent, first, keys, state), keys, state)
    return own


def _own(own: Gauge, agent: Any, learner: Any, clock: Clock, key: Array, others: Metrics) -> Metrics:
    name = f"diagnostics.gauge = {type_name(type(own))}"
    try:
        found: Any = own(agent, learner, clock, key)
    except Exception as fault:
        raise UserError(f"{name} fails on this agent's learner ({told(fault)})") from fault
    if not isinstance(found, dict) or any(jnp.shape(value) != () for value in found.values()):
        raise UserError(f"{name} gives {found!r:.80}: needed is a dict of names and single numbers")
    if taken := [each for each in found if each in TAKEN or each in others]:
        raise UserError(f"{name} gives {taken[0]}, which is something else's name already: choose another one")
    return {each: jnp.asarray(value, jnp.float32) for each, value in found.items()}
