"""Run folders as an enemy would send them: copies of good ones, with what their files hold changed."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argmaxq as aq
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.runs import checkpoint

TINY = {
    "agent.network.hidden": (4,),
    "agent.exploration": EpsilonGreedy(),
    "agent.replay.capacity": 40,
    "agent.batch_size": 8,
    "agent.rollout": 4,
    "agent.updates": 1,
    "agent.learning_starts": 20,
    "evaluation.every": 80,
    "evaluation.episodes": 2,
    "checkpoint_every": 80,
    "stop": aq.Never(),
    "steps": 160,
}
SMALLEST = aq.replace(aq.find("cartpole/dqn"), TINY)
"""A training of a few episodes, whose whole folder takes a few kB."""


def copied(run: Path, to: Path) -> Path:
    """A copy of a run's folder."""
    return Path(shutil.copytree(run, to, symlinks=True))


def snapshot(folder: Path) -> dict[str, Any]:
    """Everything below a folder: what files hold and what links lead to."""
    return {str(path): _content(path) for path in sorted(folder.rglob("*"))}


def _content(path: Path) -> Any:
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else "a folder"


@contextlib.contextmanager
def untouched(*folders: Path) -> Iterator[None]:
    """Everything below these folders is the same afterwards."""
    before = [snapshot(folder) for folder in folders]
    yield
    assert [snapshot(folder) for folder in folders] == before


def change_config(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a run's config.json holds."""
    file = run / "config.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def change_value(run: Path, path: str, value: Any) -> None:
    """Put another value at a path in a run's config.json."""

    def change(config: dict[str, Any]) -> None:
        *above, name = path.split(".")
        place = config
        for part in above:
            place = place[part]
        place[name] = value

    change_config(run, change)


def change_meta(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a checkpoint says of itself, and make its hash right again, as an enemy can."""
    file = path / "checkpoint.json"
    header = json.loads(file.read_text())
    change(header["meta"])
    seal(path, header)


def seal(path: Path, header: dict[str, Any]) -> None:
    """Write a checkpoint's header with hashes that are right."""
    arrays = (path / "arrays.safetensors").read_bytes()
    text = json.dumps(json.loads(json.dumps(header["meta"])), sort_keys=True)
    right = {"bytes": len(arrays), "sha256": hashlib.sha256(arrays).hexdigest()}
    header |= right | {"meta_sha256": hashlib.sha256(text.encode()).hexdigest()}
    (path / "checkpoint.json").write_text(json.dumps(header))


def states(run: Path) -> list[Path]:
    """The state checkpoints of a run."""
    return checkpoint.checkpoints(run / "checkpoints")
