"""A recipe on another environment than the one it was written for: what belongs to that one is dropped or adapted."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.component import walk
from argmaxq.components.registry import type_name
from argmaxq.environments.atari import is_game
from argmaxq.environments.env import Env
from argmaxq.environments.survey import Survey
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.learning.returns import Histogram
from argmaxq.learning.rewards import Running, Scale
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts import rules
from argmaxq.recipes.stop import Never
from argmaxq.replay.storage import Frames, Whole

FOR_EACH_ENTRY = ("bins", "tiles", "centres")
"""Fields that hold a number for each entry of an observation."""


class Change(NamedTuple):
    """A field whose value belonged to another environment, its new value, and what to say of that."""

    path: str
    value: Any
    said: str


def of_the_environment(env: Env, another: Env) -> Iterator[Change]:
    """How an environment was made, which says nothing of another one; and how that one is seen."""
    if is_game(another.id):
        yield Change("env.atari", Atari(), "= DeepMind's preprocessing")
    for field in dataclasses.fields(Env):
        if field.name not in ("id", "lanes"):
            old, new = getattr(env, field.name), getattr(Env(), field.name)
            if old != new and not (field.name == "atari" and is_game(another.id)):
                yield Change(f"env.{field.name}", new, f"{old} dropped")


def of_the_run(recipe: Recipe, found: Survey) -> Iterator[Change]:
    """A time limit where none is known, no stop, evaluations of another length, and what the agent had of numbers."""
    if found.endless:
        said = f"{rules.CUT:,}, for no episode of random play came to an end"
        yield Change("env.time_limit", rules.CUT, said)
    if recipe.stop != Never():
        yield Change("stop", Never(), f"{_shown(recipe.stop)} dropped: training goes on to the last step")
    judged = rules.evaluation(recipe.steps, found.longest)
    for name in ("every", "episodes"):
        old, new = getattr(recipe.evaluation, name), getattr(judged, name)
        if old != new:
            yield Change(f"evaluation.{name}", new, f"{new:,} (was {old:,})")
    yield from _of_the_agent(recipe.agent, found)


def _of_the_agent(agent: Any, found: Survey) -> Iterator[Change]:
    """Bounds written by hand, numbers for each entry or parameter, and the rewards' scale."""
    entries = int(np.prod(found.spaces.observation.shape))
    for where, _, item in walk(agent):
        path, name = f"agent.{where}", where.rpartition(".")[2]
        if name in ("low", "high") and isinstance(item, tuple) and item:
            yield Change(path, (), "dropped: the environment's own")
        elif isinstance(item, Frames) and not found.spaces.observation.frames:
            yield Change(path, Whole(), "= whole: these observations are no stacks of frames")
        elif name in FOR_EACH_ENTRY and len(item) not in (1, entries):
            yield Change(path, (max(item),), f"{max(item)} along each of {entries} entries (was {_listed(item)})")
    if getattr(agent, "prior", ()):
        yield Change("agent.prior", (), f"{_listed(agent.prior)} dropped")
    rewards = getattr(agent, "rewards", Scale())
    scale = rewards.factor if isinstance(rewards, Scale) else 1.0
    largest = found.largest_return(agent.gamma) if scale != 1.0 else 0.0
    new = rules.reward_scale(largest) if largest else scale
    if new != scale:
        said = f"{new:g} (was {scale:g}), for discounted returns of random play reach {largest:.3g}"
        yield Change("agent.rewards.factor", new, said)
    returns = getattr(agent, "returns", None)
    if isinstance(returns, Histogram) and not isinstance(rewards, Running):
        found = dataclasses.replace(found, reward=np.asarray(rewards.each(found.reward)))
        low, high = rules.return_range(found, agent.gamma, new)
        said = f"from {low:g} to {high:g} (was {returns.low:g} to {returns.high:g}), by the rewards of random play"
        changed: Any = dataclasses.replace(returns, low=low, high=high)  # type: ignore[type-var]
        yield Change("agent.returns", changed, said)


def _listed(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in numbers)


def _shown(stop: Any) -> str:
    values = [getattr(stop, field.name) for field in dataclasses.fields(stop)]
    return " ".join([type_name(type(stop)), *(f"{value:g}" for value in values)])
