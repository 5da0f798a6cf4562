"""What the words of a command line give a recipe's fields."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches

from argmaxq.cli import arguments
from argmaxq.cli.arguments import Argument
from argmaxq.components.annotations import hints
from argmaxq.components.errors import UserError
from argmaxq.components.options import read
from argmaxq.recipes import Given
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.trust import beside


def given_values(options: argparse.Namespace, rest: list[str]) -> Given:
    """Values of the recipe's fields, by path."""
    also = [("env.id", options.env), ("steps", options.steps)]
    return of_options(arguments.TRAIN, rest, [(path, value) for path, value in also if value is not None])


def of_options(own: Sequence[Argument], rest: list[str], also: Given = ()) -> Given:
    """Values by path, of a verb's remaining options and ``also``.

    Raises:
        UserError: an option stands for one of the verb's ``own``.
    """
    for token in rest:
        name = token.removeprefix("--").partition("=")[0]
        if token.startswith("--") and (meant := _meant(name.replace("-", "_"), own)):
            raise UserError(f"there is no option --{name}: did you mean --{meant}?")
    given = [*read(rest), *also]
    if any(isinstance(value, str) and ":" in value for _, value in given):  # module:Name, of a module beside the user
        beside()
    return given


def _meant(name: str, own: Sequence[Argument]) -> str:
    """The option of a verb that is none of a recipe's and that an unknown name most likely stands for, if any."""
    if name in hints(Recipe) or name in Recipe.elsewhere:
        return ""
    flags = [flag.removeprefix("--") for flag, _ in own if flag.startswith("--")]
    meant = arguments.ELSEWHERE.get(name, "")
    return meant if meant in flags else next(iter(get_close_matches(name, flags, 1, 0.7)), "")


def varied(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``["agent.gamma=0.9,0.99"]`` as values by path.

    Raises:
        UserError: it is not written so, or a path is there twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        path, equals, values = text.removeprefix("--").partition("=")
        listed = tuple(value.strip() for value in values.split(","))
        if not equals or not path or not all(listed):
            raise UserError(f"--vary {text}: it is written PATH=V1,V2, such as agent.gamma=0.9,0.99")
        if path.replace("-", "_") in found:
            raise UserError(f"--vary {path} is there twice: write all of its values with commas between")
        found[path.replace("-", "_")] = listed
    if any(":" in value for values in found.values() for value in values):  # module:Name, of a module beside the user
        beside()
    return found


def ranged(given: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """``[["agent.gamma=0.9..0.99", "log"]]`` as what is looked for by path; ``tuning.ranges`` reads it.

    Raises:
        UserError: a path is there twice.
    """
    found: dict[str, list[str]] = {}
    for first, *rest in given:
        path, _, values = first.removeprefix("--").partition("=")
        if path.replace("-", "_") in found:
            raise UserError(f"--over {path} is there twice: write one range, or all of its choices with commas between")
        found[path.replace("-", "_")] = [values, *rest]
    if any(":" in values for values, *_ in found.values()):  # module:Name, of a module beside the user
        beside()
    return found
