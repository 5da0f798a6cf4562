"""Recipes by name, and what a name and a user's own values make: the recipe that is trained, and what to say of it."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.components.options import put
from argmaxq.components.paths import get, replace
from argmaxq.components.registry import near
from argmaxq.environments.atari import is_game
from argmaxq.environments.env import Env
from argmaxq.environments.survey import Survey, survey
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts import rules
from argmaxq.recipes.starts.generic import STARTS, start
from argmaxq.recipes.starts.transfer import Change, of_the_environment, of_the_run

FAMILIES = (
    *("tables", "cartpole", "cartpole_family", "mountaincar", "acrobot", "lunarlander", "lunarlander_family"),
    *("platform", "goal", "points", "memory", "atari", "pixels", "minatar"),
)
Given = Sequence[tuple[str, Any]]
"""Values of a user's own, by path; see ``options.put``."""
Look = Callable[[Env], Survey]


class Chosen(NamedTuple):
    """A recipe, and what was chosen or changed in it that the user did not write, a line each."""

    recipe: Recipe
    said: tuple[str, ...] = ()


def recipes() -> dict[str, Recipe]:
    """All recipes by name.

    Examples:
        >>> recipes()["cliff/q"].env.id
        'CliffWalking-v1'
    """
    families = [import_module(f"argmaxq.recipes.families.{family}") for family in FAMILIES]
    return {name: recipe for family in families for name, recipe in family.RECIPES.items()}


def find(name: str, env: Any = None, steps: int | None = None) -> Recipe:
    """A recipe by name, for another environment or number of steps where these are given.

    ``dqn``, ``pqn``, ``bdq``, ``pdqn`` and ``td`` are starts for an environment of one's own, which has to be given:
    they look at it and choose what suits it.

    Raises:
        UserError: there is no such recipe, with the nearest names; or a start without an environment.

    Examples:
        >>> find("cliff/q").agent.gamma
        1.0
        >>> find("cartpole/dqm")
        Traceback (most recent call last):
        argmaxq.components.errors.UserError: there is no recipe 'cartpole/dqm': did you mean cartpole/dqn or ...
    """
    values = {"env.id": env, "steps": steps}
    return choose(name, [(path, value) for path, value in values.items() if value is not None]).recipe


def choose(recipe: str | Recipe, given: Given, look: Look = survey) -> Chosen:
    """What is trained, from a recipe or its name and a user's own values, which all stay as they are.

    ``look`` plays an environment at random, where what it is must be known.

    Raises:
        UserError: there is no such recipe, option or value, or the algorithm does not fit the environment.
    """
    if isinstance(recipe, str) and recipe in STARTS:
        chosen = _started(recipe, given, look)
    else:
        value = recipe if isinstance(recipe, Recipe) else _named(recipe)
        chosen = _moved(value, given, look, own=isinstance(recipe, Recipe))
    return chosen._replace(recipe=put(chosen.recipe, given))


def _named(name: str) -> Recipe:
    known = recipes()
    if name not in known:
        # An algorithm such as c51 or rainbow is a recipe's second half.
        named = [each for each in known if each.endswith(f"/{name}")]
        few, more = named[:3], len(named) - 3
        rest = f" Or one of {more} more: argmaxq list {name}" if more > 0 else ""
        hint = f"did you mean {' or '.join(few)}?{rest}" if named else near(name, [*known, *STARTS])
        raise UserError(f"there is no recipe {name!r}: {hint}")
    return known[name]


def _started(name: str, given: Given, look: Look) -> Chosen:
    """A start: its environment, lanes and steps are read first, for all else depends on them."""
    if not {path for path, _ in given} & {"env", "env.id"}:
        raise UserError(
            f"{name} is a start for any environment: name one, as in argmaxq train {name} --env CartPole-v1"
        )
    asked: Recipe = put(_beginning(given), [(path, value) for path, value in given if _first(path) in ("env", "steps")])
    paths = {path for path, _ in given}
    steps, lanes = asked.steps if "steps" in paths else None, asked.env.lanes if "env.lanes" in paths else None
    recipe, title, said = start(name, asked.env, look(asked.env), steps, lanes)
    lines = [f"  {each.what:<13}{each.words}" for each in said if not any(_written(path, given) for path in each.paths)]
    return Chosen(recipe, (title, *lines))


def _moved(recipe: Recipe, given: Given, look: Look, own: bool) -> Chosen:
    """A recipe on the environment that is asked for, without what belongs to its own; else as it is.

    What the user writes now stays, and so does what he wrote into a recipe of his own.
    """
    asked: Recipe = put(recipe, [(path, value) for path, value in given if path in ("env", "env.id", "steps")])
    if asked.env.id == recipe.env.id or (is_game(asked.env.id) and is_game(recipe.env.id)):
        return Chosen(recipe) if own else _of_length(recipe, asked.steps, given)
    shipped = [each for each in recipes().values() if each.env.id == recipe.env.id]

    def free(change: Change) -> bool:
        if _written(change.path, given):
            return False
        return not own or any(_same(each, recipe, change.path) for each in shipped)

    made = [change for change in of_the_environment(recipe.env, asked.env) if free(change)]
    bare = replace(asked, {change.path: change.value for change in made})
    found = look(put(bare, [(path, value) for path, value in given if _first(path) == "env"]).env)
    made += [change for change in of_the_run(bare, found) if free(change)]
    title = f"{asked.env.name} instead of {recipe.env.name}; what belonged to that one:"
    lines = [f"  {change.path} {change.said}" for change in made]
    return Chosen(replace(bare, {change.path: change.value for change in made}), (title, *lines) if lines else ())


def _of_length(recipe: Recipe, steps: int, given: Given) -> Chosen:
    """A recipe for so many steps, which is evaluated often enough for a curve where they are fewer than its own."""
    old, least = recipe.evaluation.every, rules.OFTEN_OF_GAMES if is_game(recipe.env.id) else rules.OFTEN
    new = rules.evaluated_every(old, steps, least)
    if new == old or not _written("steps", given) or _written("evaluation.every", given):
        return Chosen(recipe)
    said = f"evaluation.every {new:,} (was {old:,}), for these {steps:,} steps"
    return Chosen(replace(recipe, "evaluation.every", new), (said,))


def _beginning(given: Given) -> Recipe:
    """What a start is made of: Atari's games are seen as DeepMind's agents saw them."""
    asked = [value for path, value in given if path in ("env", "env.id")]
    return Recipe(env=Env(atari=Atari())) if asked and is_game(asked[-1]) else Recipe()


def _first(path: str) -> str:
    return path.partition(".")[0]


def _written(path: str, given: Given) -> bool:
    """Whether the user wrote a value at a path, below it or above it."""
    pairs = [(f"{path}.", f"{each}.") for each, _ in given]
    return any(one.startswith(other) or other.startswith(one) for one, other in pairs)


def _same(one: Recipe, other: Recipe, path: str) -> bool:
    """Whether two recipes have the same value at a path of the second."""
    try:
        return bool(get(one, path) == get(other, path))
    except UserError:
        return False
