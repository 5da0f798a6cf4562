"""Every named recipe, ENVIRONMENT/ALGORITHM, one file per environment family."""

from importlib import import_module

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.recipes.recipe import Recipe

FAMILIES = ("tables", "cartpole", "mountaincar", "acrobot", "lunarlander", "platform", "goal", "points")


def recipes() -> dict[str, Recipe]:
    """All recipes by name."""
    families = [import_module(f"argmaxq.recipes.{family}") for family in FAMILIES]
    return {name: recipe for family in families for name, recipe in family.RECIPES.items()}


def find(name: str) -> Recipe:
    """A recipe by name; raises UserError with the nearest names."""
    known = recipes()
    if name not in known:
        raise UserError(f"there is no recipe {name!r}: {near(name, known)}")
    return known[name]
