"""What a study is made of: its settings' recipes, and what their environments give."""

from collections.abc import Mapping, Sequence
from typing import Any

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import OWN, to_json
from argmaxq.environments.source import compiled
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.spaces import written as spaces_written
from argmaxq.studies.plan import Group, Setting, grid
from argmaxq.training.evaluation import Evaluator
from argmaxq.training.feasibility import refuse_infeasible


def settings_of(recipes: Sequence[str | Recipe], vary: Mapping[str, Sequence[Any]], given: Given) -> list[Setting]:
    """The grid; raises UserError."""
    named: dict[str, str | Recipe] = {}
    for recipe in recipes:
        name = recipe if isinstance(recipe, str) else "own" if "own" not in named else f"own-{len(named) + 1}"
        named[name] = recipe

    def made(name: str, cell: Sequence[tuple[str, Any]]) -> Recipe:
        recipe = validate(choose(named[name], [*given, *cell]).recipe)
        if own := _own(to_json(recipe)):
            raise UserError(
                f"{own} is an object of your own, which no other process can be given: put it into a module, and name "
                "it module:Name"
            )
        return recipe

    return grid(list(named), vary, made)


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
