"""What a tracker is told of a run."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from argmaxq.reporting.text import environment
from argmaxq.runs.files.writing import own_folder
from argmaxq.trackers.tracker import Tracked
from argmaxq.verbs.run import Run

PROJECT = "argmaxq"


def described(whole: Run, part: Run, folder: Path, resumed: bool, offline: bool) -> Tracked:
    """One seed ``part`` of a run, whose tracker's files go to ``folder``, or with several seeds in one of its own."""
    seed = part.seeds[0]
    return Tracked(
        key=_plain(f"{_identity(whole, part)}-{seed}"),
        name=name_of(whole, part),
        group=_group(whole, part),
        project=PROJECT,
        config=flat(part.config),
        folder=folder if len(whole.seeds) == 1 else own_folder(folder / f"seed-{seed}"),
        shared=folder,
        resumed=resumed,
        offline=offline,
    )


def name_of(whole: Run, part: Run) -> str:
    """How one seed of a run is shown, and its artifacts are called."""
    return f"{_group(whole, part)}-seed-{part.seeds[0]}"


def _group(whole: Run, part: Run) -> str:
    return _plain(f"{part.config['name']}-{_identity(whole, part)[:8]}")


def _identity(whole: Run, part: Run) -> str:
    return part.config.get("id") or whole.path.resolve().name


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """A run's configuration by path, as on the command line; a component's type stands at its own path."""
    about = {"name": config["name"], "env": environment(config), "engine": config["engine"], "seed": config["seeds"][0]}
    return {**_flat(config["recipe"], ""), **about, "argmaxq": version("argmaxq")}


def _flat(data: Any, path: str) -> dict[str, Any]:
    if isinstance(data, dict) and data.keys() == {"own"}:
        return {path: data["own"]}
    if not isinstance(data, dict):
        return {path: data}
    found = {path: data["type"].partition("/")[2]} if path and "type" in data else {}
    for name, value in data.items():
        if name != "type":
            found |= _flat(value, f"{path}.{name}" if path else name)
    return found


def _plain(text: str) -> str:
    """Letters, digits and hyphens alone, which every tracker takes in names."""
    return re.sub("[^0-9A-Za-z]+", "-", text).strip("-")
