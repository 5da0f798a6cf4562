"""What the settings of a study are called where they stand side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Each path's last words, as many as tell it from the others: ``agent.replay.capacity`` -> ``capacity``."""
    listed = [path.split(".") for path in paths]
    return {".".join(words): _tail(words, listed).replace("_", " ") for words in listed}


def labels(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """A label for each setting of ``study.json``: its varied values, after its recipe where there are several."""
    names = short_names(dict.fromkeys(path for each in settings for path in each["values"]))
    several = len({each["recipe"] for each in settings}) > 1
    told = [
        ", ".join([each["recipe"]] * several + [f"{names[path]} {value}" for path, value in each["values"].items()])
        or str(each["recipe"])
        for each in settings
    ]
    often = Counter(told)  # a folder that someone changed may say a setting twice
    return [each if often[each] == 1 else f"{each} ({number:03d})" for number, each in enumerate(told)]


def _tail(words: list[str], among: list[list[str]]) -> str:
    others = [other for other in among if other != words]
    lengths = range(1, len(words) + 1)
    least = next((n for n in lengths if all(other[-n:] != words[-n:] for other in others)), len(words))
    return "".join(letter if letter.isprintable() else "?" for letter in ".".join(words[-least:]))
