"""Commands worth trying after a run, each of which works as it is written."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argmaxq.components.serialisation import OWN
from argmaxq.runs.checkpoint import checkpoints
from argmaxq.runs.folder import seed_folder
from argmaxq.runs.track import CHECKPOINTS, DIVERGED
from argmaxq.runs.trust import module_of

FILM = "film.mp4"
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Environment variables that say where windows are shown, other than on macOS and Windows."""


def following(config: Mapping[str, Any], summary: Mapping[str, Any], path: Path, watchable: bool) -> list[str]:
    """What to do now with a run of this configuration that came so far; ``watchable``: it draws itself."""
    seeds = summary.get("seeds", [])
    if not summary.get("finished"):
        lost = seeds and all(seed["stopped"] == DIVERGED for seed in seeds) and not _saved(config, path)
        return [] if lost else [resuming(config, path)]
    if not any(seed["best"] for seed in seeds) and all(seed["stopped"] == DIVERGED for seed in seeds):
        return []
    if own := _own(config["recipe"]):
        return [f"in Python: aq.Run({str(path)!r}, own={_given(own)}).evaluate()"]
    options = _trust(config)
    film = "" if _windows() else f" --video {_word(_free(path / FILM))}"
    watching = [f"argmaxq watch {_word(path)}{film}{options}"] if watchable else []
    return [f"argmaxq evaluate {_word(path)}{options}", *watching]


def _saved(config: Mapping[str, Any], path: Path) -> bool:
    """Whether there is anything to go on from."""
    places = [path, *(seed_folder(path, seed) for seed in config["seeds"])]
    return any(checkpoints(place / CHECKPOINTS) for place in places)


def resuming(config: Mapping[str, Any], path: Path) -> str:
    """What goes on with a run."""
    if own := _own(config["recipe"]):
        return f"in Python: aq.resume({str(path)!r}, own={_given(own)})"
    return f"argmaxq resume {_word(path)}{_trust(config)}"


def _own(data: Any, path: str = "") -> list[str]:
    """Paths at which a recipe holds an object of the user's own, which only Python can give again."""
    if not isinstance(data, dict):
        return []
    if data.keys() == {OWN}:
        return [path]
    below = [(f"{path}.{name}" if path else name, value) for name, value in data.items()]
    return [found for where, value in below for found in _own(value, where)]


def _given(paths: list[str]) -> str:
    return "{" + ", ".join(f"{path!r}: ..." for path in paths) + "}"


def _trust(config: Mapping[str, Any]) -> str:
    """The option with which a run is trusted that cannot show that it was made here."""
    name = config["recipe"]["env"]["id"]
    return f" --env {_word(name)}" if module_of(name) and "proof" not in config else ""


def _word(value: Path | str) -> str:
    """A word of a command line; one that begins with a dash would be taken for an option."""
    text = str(value)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _free(path: Path) -> Path:
    """The first of these names that nothing has yet: a film is never overwritten."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def _windows() -> bool:
    """Whether a window can probably be opened here."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in DISPLAYS)
