"""A slim copy of a run: one policy of each seed, and what is needed to act with it, judge it and cite it.

It is a run folder of its own, which loads wherever argmaxq is installed, without the environment. It holds no state
of training, so it is not resumed; it may be what another run begins with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.runs import checkpoint
from argmaxq.runs.files.reading import read_bytes
from argmaxq.runs.files.writing import own_folder, replace
from argmaxq.runs.folder import (
    CONFIG,
    SUMMARY,
    check_seed,
    make_folder,
    read_config,
    read_summary,
    seed_folder,
    write_json,
)
from argmaxq.runs.formats import FROM, POLICY, SLIM, checked
from argmaxq.runs.kept import named
from argmaxq.runs.records import read
from argmaxq.runs.track import BEST, CHECKPOINTS, POLICIES

EVALUATIONS = "evaluations"


class Part(NamedTuple):
    """A run's folder, or that of one of its seeds, and its configuration."""

    folder: Path
    config: Mapping[str, Any]


def slim(folder: Path, target: Path, which: str = BEST, seed: int | None = None) -> Path:
    """Copy a run, or one of its seeds, with one policy: ``best``, ``last`` (the latest saved) or ``start``.

    The copy has ``config.json``, ``summary.json``, ``evaluations.jsonl`` and ``checkpoints/WHICH``, and with several
    seeds these for each. ``Run(copy).policy()`` is that policy. The run may be in training meanwhile.

    Args:
        folder: The run's.
        target: The copy's, which must be new or empty.
        which: The policy's checkpoint.
        seed: The seed that the copy is of; all by default.

    Raises:
        UserError: there is no such seed or checkpoint, it is damaged, or the copy cannot be written.
    """
    if which not in POLICIES:
        raise UserError(f"{which}: a slim copy is of the checkpoint {', '.join(POLICIES[:-1])} or {POLICIES[-1]}")
    config = read_config(folder)
    parts = [_part(folder, config, number) for number in (config["seeds"] if seed is None else [seed])]
    for part in parts:
        _policy(part.folder, which)  # which raises before anything is made
    target = make_folder(target, config["name"])
    if len(parts) == 1:
        _copy(parts[0], target, which)
        return target
    for part in parts:
        _copy(part, own_folder(seed_folder(target, part.config["seeds"][0])), which)
    _describe(Part(folder, config), target, which)
    return target


def _part(folder: Path, config: Mapping[str, Any], seed: int) -> Part:
    """One seed's folder and configuration; raises UserError where there is none."""
    if seed not in config["seeds"]:
        raise UserError(f"{folder} has no seed {seed}: there are {', '.join(map(str, config['seeds']))}")
    if len(config["seeds"]) == 1:
        return Part(folder, config)
    place = seed_folder(folder, seed)
    part = read_config(place)
    check_seed(config, part, place, seed)
    return Part(place, part)


def _policy(folder: Path, which: str) -> Path:
    """A seed's checkpoint; raises UserError where it lacks that."""
    places = {name: folder / CHECKPOINTS / name for name in POLICIES}
    return named(which, {name: place for name, place in places.items() if place.is_dir()}, folder)


def _copy(part: Part, target: Path, which: str) -> None:
    """One seed, its configuration last, which makes the folder a run."""
    path = _policy(part.folder, which)
    arrays, meta = checkpoint.load(path)
    checked(POLICY, meta, path)
    checkpoint.check_owner(path, meta, part.config.get("id"), part.config["seeds"])
    checkpoint.save(target / CHECKPOINTS, which, arrays, meta)
    if read(part.folder, EVALUATIONS):  # which checks it
        lines = read_bytes(part.folder / f"{EVALUATIONS}.jsonl")
        replace(target / f"{EVALUATIONS}.jsonl", lines[: lines.rfind(b"\n") + 1])
    _describe(part, target, which)


def _describe(part: Part, target: Path, which: str) -> None:
    """Summary and configuration. Where the run that this one began with lies is of no use elsewhere, its name is."""
    if summary := read_summary(part.folder):
        write_json(target / SUMMARY, summary)
    begun = part.config.get(FROM)
    named = {FROM: {**begun, "path": Path(begun["path"]).name}} if begun else {}
    write_json(target / CONFIG, {**part.config, **named, SLIM: which})
