"""A checkpoint of everything: the engine's state and each seed's track, as one set of arrays and one of data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from argmaxq.devices import room
from argmaxq.runs import checkpoint
from argmaxq.runs.track import Track
from argmaxq.trees import named
from argmaxq.types import PyTree

Arrays = dict[str, np.ndarray]
ENGINE = "engine/"


def gather(engine: tuple[Arrays, dict[str, Any]], tracks: Sequence[Track], done: Mapping[str, Any]) -> tuple[Any, Any]:
    """(arrays, data) of an engine's saved state, of the tracks and of what was ``done``; it says whose they are."""
    own, engine_meta = engine
    arrays, metas = {f"{ENGINE}{name}": array for name, array in own.items()}, []
    for number, track in enumerate(tracks):
        best, meta = track.state()
        arrays |= {f"{_best(number)}{name}": array for name, array in best.items()}
        metas.append(meta)
    owner = {"run": tracks[0].run, "seeds": [track.seed for track in tracks]}
    return arrays, {**owner, **done, "engine": engine_meta, "tracks": metas}


def rooms(state: PyTree) -> Arrays:
    """The memory of an engine's large arrays, just made, under the names that they have in a checkpoint."""
    found = {f"{ENGINE}{name}": room(leaf) for name, leaf in named(state).items() if isinstance(leaf, jax.Array)}
    return {name: memory for name, memory in found.items() if memory is not None}


def of_engine(arrays: Arrays) -> Arrays:
    """The engine's own."""
    return _below(arrays, ENGINE)


def restore_tracks(tracks: Sequence[Track], arrays: Arrays, metas: Sequence[dict[str, Any]]) -> None:
    """Give each seed's track what was saved of it."""
    for number, (track, saved) in enumerate(zip(tracks, metas, strict=True)):
        track.restore(_below(arrays, _best(number)), saved)


def keep(folder: Path, step: int, arrays: Arrays, meta: dict[str, Any]) -> None:
    """Write the checkpoint of a step, and leave it and the latest before it."""
    saved = checkpoint.save(folder, f"step-{step:09d}", arrays, meta)
    # Newer ones were damaged when this run was resumed: pruning must not take them for the two to keep.
    found = checkpoint.checkpoints(folder)
    for newer in found[found.index(saved) + 1 :]:
        checkpoint.drop(newer)
    checkpoint.prune(folder)


def _best(number: int) -> str:
    return f"best-{number}/"


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
