"""When updates stop changing anything, because a learning rate or a step size has fallen to 0."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from argmaxq.components.annotations import marks
from argmaxq.components.component import walk
from argmaxq.learning.schedules import LEARNING
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.track import Track
from argmaxq.types import Clock

NEARLY = 0.98
"""Share of a run from which on it is no loss that learning has ended."""
MEND = "say their length as a share of the run, with duration 1 per run, or choose constant"


class Rate(NamedTuple):
    """A schedule that learning stands still with: where it is, and from when on it is 0, in units of ``per``."""

    path: str
    zero_from: float
    per: str


def rates(agent: Any) -> list[Rate]:
    """Schedules of learning rates and step sizes; one that does not say when it is 0 never is."""
    found = [(path, value) for path, hint, value in walk(agent, "agent") if LEARNING in marks(hint)]
    return [Rate(path, getattr(it, "zero_from", math.inf), getattr(it, "per", "step")) for path, it in found]


def standing_still(agent: Any, clock: Clock) -> bool:
    """Whether every rate is 0 at ``clock``, a clock of plain numbers, and stays so."""
    found = rates(agent)
    return bool(found) and all(_reading(clock, rate.per) >= rate.zero_from for rate in found)


def told(agent: Any, step: int, total: int) -> str:
    """What to say of a run of ``total`` env steps in which nothing is learnt from ``step`` on."""
    names = " and ".join(rate.path for rate in rates(agent))
    return f"nothing is learnt from step {step:,} of {total:,} on, where {names} comes to 0: {MEND}"


def note_standstill(track: Track, recipe: Recipe, total: int, say: Callable[[str], object]) -> None:
    """Say it once of a seed if updates no longer change anything; ``total`` env steps are what the run is to have."""
    still = standing_still(recipe.agent, track.clock(total))
    if still and track.learnt_until is None and track.step < NEARLY * recipe.steps:
        say(f"seed {track.seed}: {told(recipe.agent, track.step, recipe.steps)}")
    track.learnt_until = (track.learnt_until or track.step) if still else None


def foreseen(recipe: Recipe, lanes: int) -> str:
    """The same before a run starts, if it can be foreseen; else empty."""
    found = rates(recipe.agent)
    step = max((_step(recipe, lanes, rate) for rate in found), default=math.inf)
    return told(recipe.agent, int(step), recipe.steps) if step < NEARLY * recipe.steps else ""


def _reading(clock: Clock, per: str) -> float:
    return float(clock.step / max(clock.total, 1) if per == "run" else getattr(clock, per))


def _step(recipe: Recipe, lanes: int, rate: Rate) -> float:
    """The env step from which on a rate is 0; infinite where that depends on episodes."""
    agent: Any = recipe.agent
    if rate.per == "run":
        return rate.zero_from * recipe.steps
    if rate.per == "step":
        return rate.zero_from
    if rate.per == "update" and hasattr(agent, "updates_in"):
        steps_per_update = agent.rollout * lanes / agent.updates_in(lanes)
        return float(getattr(agent, "learning_starts", 0)) + rate.zero_from * steps_per_update
    return math.inf
