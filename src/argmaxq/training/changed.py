"""Other values for a run that goes on: whether its saved state fits them, and what becomes of it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.changes import Change
from argmaxq.runs.track import CALLED_OFF, SOLVED, Track
from argmaxq.spaces import Spaces
from argmaxq.streams import streams
from argmaxq.training.engines.engine import Engine
from argmaxq.training.engines.host import begin
from argmaxq.training.feasibility import refuse_infeasible
from argmaxq.trees import specs

CAPACITY = "agent.replay.capacity"
WINDOW = "agent.n_step", "agent.burn_in", "agent.length"
ANOTHER = "argmaxq train RECIPE --from RUN begins another run with what fits of its network"


def refuse_unfit(before: Recipe, after: Recipe, change: Change, spaces: Spaces, seeds: int) -> None:
    """Check that a run trained as ``before`` can go on as ``after``, which differ by ``change``.

    Raises:
        UserError: its saved state does not fit, or what the new values need is too much.
    """
    told = [f"{path} = {shown(value)}" for path, value in change.values.items()]
    for path, value in zip(change.values, told, strict=True):
        if path.partition(".")[0] == "env":
            raise UserError(f"{value}: a run keeps its environment and its lanes; {ANOTHER}")
    old, new = before.agent, after.agent
    if type(old) is not type(new):
        raise UserError(f"agent = {type_name(type(new))}: the run's state is that of {type_name(type(old))}; {ANOTHER}")
    if old.rollout != new.rollout:
        raise UserError(f"agent.rollout = {new.rollout}: the run counts in rollouts of {old.rollout}; {ANOTHER}")
    rows = getattr(getattr(new, "replay", None), "allocation", None)
    if rows and CAPACITY in change.values and change.values[CAPACITY] > rows:
        raise UserError(f"{CAPACITY} = {change.values[CAPACITY]}: {rows} rows are allocated, and stay so; {ANOTHER}")
    there, needed = (_state(recipe, spaces) for recipe in (before, after))
    for name in [*there, *needed]:
        if there.get(name) != needed.get(name):
            kinds = f"{name} is {there.get(name, 'absent')} there, and would be {needed.get(name, 'absent')}"
            raise UserError(f"{', '.join(told)}: it does not fit the run's state ({kinds}); {ANOTHER}")
    refuse_infeasible(after, spaces, seeds)


def adapted(engine: Engine, state: Any, recipe: Recipe, made: Sequence[Change]) -> Any:
    """A state saved before these changes, as it has to be after them: rows of a replay lie where its capacity says."""
    if not any(path in change.values for change in made for path in (CAPACITY, *WINDOW)):
        return state
    agent: Any = recipe.agent
    if not hasattr(getattr(agent, "replay", None), "resized"):
        return state
    capacity = next((change.before[CAPACITY] for change in made if CAPACITY in change.before), agent.replay.capacity)

    def relaid(learner: Any) -> Any:
        return learner._replace(replay=agent.replay.resized(learner.replay, capacity, agent.window))

    return engine.change(state, relaid)


def reopen(track: Track, made: Sequence[Change], more: bool, step: int) -> list[str]:
    """Have a seed go on that was over, where ``more`` steps or other values are asked for since.

    The run stands at ``step``; a line says so where other seeds have come there and this one was trained with them.
    """
    if not track.over:
        return []
    if track.over == CALLED_OFF and (made or more):
        track.over = ""
    if track.over == SOLVED and touches(made, "stop"):
        track.over, track.solved_at, track.confirmed = "", None, None
    if track.over or track.step == step:
        return []
    return [
        f"seed {track.seed} was over at step {track.step:,} and goes on from step {step:,}: until there it was trained "
        "beside the other seeds, of which there are no records"
    ]


def touches(made: Sequence[Change], field: str) -> bool:
    """Whether a field of the recipe, or something below it, was changed."""
    return any(path.partition(".")[0] == field for change in made for path in change.values)


def _state(recipe: Recipe, spaces: Spaces) -> dict[str, str]:
    """What a seed's state consists of but for the environment's."""
    agent = bind(recipe.agent, spaces)
    return specs(jax.eval_shape(partial(begin, agent, spaces, recipe.env.lanes), streams(0)))


def shown(value: Any) -> str:
    """A value's JSON data in few words."""
    return str(value["type"]).rpartition("/")[2] if isinstance(value, dict) and "type" in value else str(value)
