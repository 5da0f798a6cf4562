"""What a value is looked for in: an interval, on a logarithmic scale or not, or some choices."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from argmaxq.components.annotations import hints, plain_type
from argmaxq.components.errors import UserError
from argmaxq.components.options import put
from argmaxq.components.paths import get, paths
from argmaxq.components.registry import is_component
from argmaxq.recipes.recipe import Recipe

FORM = "it is written PATH=low..high, with log after it for a logarithmic scale, or PATH=one,another"


class Range(NamedTuple):
    """Numbers from ``low`` to ``high``, whole ones only or not; or ``choices``, where there are any."""

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def written(self) -> dict[str, Any]:
        """As JSON data."""
        return {**self._asdict(), "choices": list(self.choices)}


def read(words: Sequence[str], recipe: Recipe) -> tuple[str, Range]:
    """A path of a recipe and its range, from the words ``PATH=low..high`` and ``log``.

    Raises:
        UserError: it is not written so, there is no such path, or an end of the range is no value for it.
    """
    text, *rest = words
    path, equals, values = text.removeprefix("--").partition("=")
    path, (low, dots, high) = path.replace("-", "_"), values.partition("..")
    if not equals or rest not in ([], ["log"]) or (dots and not (low and high)):
        raise UserError(f"--over {' '.join(words)}: {FORM}")
    if not dots:
        choices = tuple(value.strip() for value in values.split(","))
        if len(choices) < 2 or not all(choices) or rest:
            raise UserError(f"--over {' '.join(words)}: {FORM}")
        given = [get(put(recipe, [(path, choice)]), path) for choice in choices]
        if again := [choice for place, choice in enumerate(choices) if given[place] in given[:place]]:
            raise UserError(f"--over {text}: {again[0]} is there twice: name each choice once")
        return path, Range(choices=choices)
    first, last = (_number(get(put(recipe, [(path, end)]), path)) for end in (low, high))
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (first, last)):
        raise UserError(f"--over {text}: {path} is no number; {FORM}")
    if not first < last or (rest and first <= 0):
        raise UserError(f"--over {' '.join(words)}: low must be less than high{', and more than 0' if rest else ''}")
    hint = next(place.hint for place in paths(recipe) if place.path == path)
    return path, Range(float(first), float(last), bool(rest), plain_type(hint) is int)


def own_value(recipe: Recipe, path: str, own: Range) -> Any:
    """A recipe's own value as it is tried: a number of the range, or the choice that gives it; None for another."""
    value = get(recipe, path)
    if own.choices:
        return next((each for each in own.choices if get(put(recipe, [(path, each)]), path) == value), None)
    number = _number(value)
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    return number if plain and own.low <= number <= own.high else None


def _number(value: Any) -> Any:
    """The number that a component stands for which holds nothing else, as a constant schedule does; else the value."""
    fields = hints(type(value)) if is_component(value) else {}
    return _number(getattr(value, *fields)) if len(fields) == 1 else value
