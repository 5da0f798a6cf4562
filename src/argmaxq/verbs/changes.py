"""Other values for a run that is resumed: checked, recorded, and said."""

from collections.abc import Mapping
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.components.options import put
from argmaxq.components.paths import replace
from argmaxq.components.serialisation import to_json
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import checkpoint, trust
from argmaxq.runs.changes import CHANGES, Change, changes, differing, recorded, since
from argmaxq.runs.folder import CONFIG, SUMMARY, read_config, write_json
from argmaxq.runs.stretches import STRETCHES, stretches
from argmaxq.runs.summary import complete
from argmaxq.runs.track import CHECKPOINTS
from argmaxq.training.changed import CAPACITY, refuse_unfit, shown, touches
from argmaxq.verbs.run import Run

ALLOCATION = "agent.replay.allocation"


def changed(run: Run, recipe: Recipe, values: Mapping[str, Any], more: int) -> tuple[Recipe, Change]:
    """The recipe with other values by path, and how it differs; the run is to have ``more`` steps, too.

    Raises:
        UserError: a path or value is wrong, the run's state does not fit it, or nothing is left to do with it.
    """
    new = put(recipe, list(values.items()))
    change = differing(to_json(recipe), to_json(new))
    if CAPACITY in change.values and new.agent.replay.allocation is None:  # type: ignore[attr-defined]
        new = replace(new, ALLOCATION, change.before[CAPACITY])
        change = differing(to_json(recipe), to_json(new))
    if not change.values:
        return recipe, change
    if "steps" in change.values:
        raise UserError(f"steps = {change.values['steps']}: how many more, such as --steps 50000 or steps=50_000")
    _refuse_part(run)
    _refuse_idle(run, recipe, change, more)
    refuse_unfit(recipe, new, change, run.adaptor.spaces, len(run.seeds) if run.config["engine"] == "compiled" else 1)
    return new, change


def record(run: Run, recipe: Recipe, change: Change) -> None:
    """Write into the run that it goes on as another recipe, which differs by ``change``.

    The run itself is written first: if that is all that is done, ``follow`` does the rest.
    """
    new = [change._replace(step=standing(run))] if change.values else []
    _write(run, recipe, [*changes(run.config), *new])
    follow(run, recipe)


def follow(run: Run, recipe: Recipe) -> None:
    """Write the run's recipe and changes into its seeds' folders, where they lack them."""
    made = changes(run.config)
    for part in run.parts if len(run.seeds) > 1 else []:
        own = changes(part.config)
        rest = [change._replace(step=newest(run) or newest(part)) for change in made[len(own) :]]
        if rest or part.config["recipe"]["steps"] < run.config["recipe"]["steps"]:
            _write(part, recipe, [*own, *rest])


def settled(run: Run, latest: int) -> list[str]:
    """Have no change be later than where the run goes on, since newer checkpoints are lost; a line if one was."""
    before = changes(run.config)
    now = since(before, latest)
    if now == before:
        return []
    run.config[CHANGES] = recorded(now)
    write_json(run.path / CONFIG, run.config)
    return [f"values that were given later hold from step {latest:,} on, since newer checkpoints are lost"]


def told(change: Change, step: int) -> list[str]:
    """What to say of a change, a line for each value."""
    lines = [f"{path} = {shown(value)} (was {shown(change.before[path])})" for path, value in change.values.items()]
    return [f"from step {step:,} on, and no longer the run it would have been:", *(f"  {line}" for line in lines)]


def standing(run: Run) -> int:
    """The env step at which a run goes on: of its seeds in turn the least."""
    return newest(run) or min(map(newest, run.parts))


def newest(run: Run) -> int:
    """The env step of the newest checkpoint of everything; 0 without any."""
    there = checkpoint.checkpoints(run.path / CHECKPOINTS)
    return checkpoint.step_of(there[-1]) if there else 0


def _refuse_part(run: Run) -> None:
    """Refuse other values for one of several seeds: they would no longer be seeds of one run."""
    whole = run.path.resolve().parent
    if (whole / CONFIG).is_file() and "id" in run.config and read_config(whole).get("id") == run.config["id"]:
        raise UserError(f"{run.path} is one seed of a run: other values are for all of them, resume {whole}")


def _refuse_idle(run: Run, recipe: Recipe, change: Change, more: int) -> None:
    """Refuse values for a run that has nothing left to do, and else have it go on."""
    summary, total = run.summary, recipe.steps + more
    if not complete(summary, recipe.steps):
        return
    if summary["step"] >= total:
        raise UserError(f"{run.path} is finished: other values want more steps, --steps MORE")
    if all(seed["stopped"] == "solved" for seed in summary["seeds"]) and not touches([change], "stop"):
        raise UserError(f"{run.path} is finished, since it is solved: other values want another stop, such as never")


def reopen(run: Run) -> None:
    """Have a run that was over, by its stopping rule or a callback, go on with other values."""
    for part in [run, *run.parts[len(run.seeds) == 1 :]]:
        if part.summary.get("finished"):
            write_json(part.path / SUMMARY, part.summary | {"finished": False})


def _write(run: Run, recipe: Recipe, made: list[Change]) -> None:
    run.config[STRETCHES] = stretches(run.config)  # as they were
    vouched = trust.vouched(run.config)
    fields = {name: value for name, value in to_json(recipe).items() if name != "env"}
    run.config["recipe"] = run.config["recipe"] | fields
    if made:
        run.config[CHANGES] = recorded(made)
    if vouched:  # else a run from elsewhere would pass for one that was made here
        run.config = trust.signed(run.config)
    write_json(run.path / CONFIG, run.config)
