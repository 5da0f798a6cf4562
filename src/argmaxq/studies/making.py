"""What a study is made of: its settings' recipes, and what their environments give."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import OWN, to_json
from argmaxq.devices import using
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled
from argmaxq.environments.survey import Survey, survey
from argmaxq.interrupts import noting
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.spaces import written as spaces_written
from argmaxq.studies.folder import Layout, make
from argmaxq.studies.plan import LARGEST, Group, Setting, grid, grouped
from argmaxq.training.engines.choose import EngineName, engine_kind, members_that_fit
from argmaxq.training.evaluation import Evaluator
from argmaxq.training.feasibility import refuse_infeasible


@contextmanager
def planning(device: str | None) -> Iterator[None]:
    """Within it studies are planned: nothing is trained here, so it is no matter how JAX has been started."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="JAX had started already")
        with using(device, 2), noting():
            yield


def layout_of(
    settings: Sequence[Setting],
    vary: Sequence[str],
    seeds: Sequence[int],
    engine: EngineName,
    out: str | Path | None,
    device: str | None,
    rungs: Sequence[float] = (),
) -> Layout:
    """A new study of these settings, which tell of their values at the paths ``vary``; within ``planning``.

    ``rungs`` are shares of the steps at which half of each group's settings end.

    Raises:
        UserError: it is too large, or a setting cannot be trained.
    """
    if len(settings) * len(seeds) > LARGEST:
        raise UserError(f"{len(settings)} settings with {len(seeds)} seeds: at most {LARGEST:,} runs in a study")
    groups = grouped(settings, seeds, lambda recipe: engine_kind(recipe.env, engine), members_that_fit)
    return make(out, settings, vary, seeds, groups, spaces_of(settings, groups), device, rungs)


def settings_of(recipes: Sequence[str | Recipe], vary: Mapping[str, Sequence[Any]], given: Given) -> list[Setting]:
    """The grid; raises UserError."""
    named: dict[str, str | Recipe] = {}
    for recipe in recipes:
        name = recipe if isinstance(recipe, str) else "own" if "own" not in named else f"own-{len(named) + 1}"
        named[name] = recipe

    seen: list[tuple[Env, Survey]] = []

    def look(env: Env) -> Survey:
        """Each environment once, however many settings have it."""
        if found := next((found for other, found in seen if other == env), None):
            return found
        seen.append((env, survey(env)))
        return seen[-1][1]

    def made(name: str, cell: Sequence[tuple[str, Any]]) -> Recipe:
        return tellable(validate(choose(named[name], [*given, *cell], look).recipe))

    return grid(list(named), vary, made)


def tellable(recipe: Recipe) -> Recipe:
    """The recipe, of which any process can be told; raises UserError where it holds an object of the user's own."""
    if own := _own(to_json(recipe)):
        raise UserError(
            f"{own} is an object of your own, which no other process can be given: put it into a module, and name "
            "it module:Name"
        )
    return recipe


def _own(data: Any, path: str = "") -> str:
    """Where JSON data hold an object of the user's own, if anywhere."""
    if not isinstance(data, dict):
        return ""
    if data.keys() == {OWN}:
        return path
    below = (_own(value, f"{path}.{name}" if path else name) for name, value in data.items())
    return next(filter(None, below), "")


def spaces_of(settings: Sequence[Setting], groups: Sequence[Group]) -> list[dict[str, Any]]:
    """What each setting's configuration holds of its environment's spaces; raises UserError where none can train."""
    engines = {member.setting: group.engine for group in groups for member in group.members}
    known: list[tuple[Any, dict[str, Any]]] = []
    found = []
    for number, setting in enumerate(settings):
        env = setting.recipe.env
        own = next((spaces for other, spaces in known if other == (engines[number], env)), None)
        if own is None:
            own = _of_environment(setting.recipe, engines[number])
            known.append(((engines[number], env), own))
        found.append(own)
    return found


def _of_environment(recipe: Recipe, engine: str) -> dict[str, Any]:
    functional = compiled(recipe.env) if engine == "compiled" else None
    if functional is not None:
        return spaces_written(functional.env.observation_space, functional.env.action_space)
    evaluator = Evaluator(recipe.env)
    try:
        refuse_infeasible(recipe, evaluator.spaces)
        return spaces_written(*evaluator.adaptor.source[:2])
    finally:
        evaluator.close()
