"""Checkpoints: a pytree as named arrays in a folder that is whole or absent, whatever moment a process dies at.

A checkpoint is a folder with ``arrays.safetensors`` and ``checkpoint.json`` (format, size, hashes and JSON data). It
is written beside its place under a temporary name, brought to the disk, and renamed: what carries a checkpoint's name
is complete. Where one is replaced, the old one stays readable under ``NAME.old`` until the new one is in place.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from textwrap import shorten
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.runs import blocks
from argmaxq.runs.checkpoint_files import (
    HEADER,
    DamagedCheckpoint,
    OtherFormat,
    index_of,
    load_files,
    to_disk,
    verify_files,
    write_files,
)
from argmaxq.runs.files.reading import WRONG_DATA
from argmaxq.runs.files.writing import PARTIAL, Unwritable, own_folder, remove, writing
from argmaxq.trees import amount

T = TypeVar("T")

OLD = ".old"
NOWHERE: Mapping[str, np.ndarray] = MappingProxyType({})
STEP_NAME = re.compile(r"step-([0-9]+)")


def save(folder: Path, name: str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Path:
    """Write ``folder/name``, replacing one of that name, so that a kill at any moment leaves the old or the new one.

    ``meta`` is JSON without NaN or infinities, which JSON cannot hold. The arrays are written as they lie, without
    copies of them, and of large ones only the blocks that are not there yet.

    Raises:
        Unwritable: there is no room for it, or the system refuses; what was there is as it was.
    """
    target, partial, old = (folder / (name + suffix) for suffix in ("", PARTIAL, OLD))
    own_folder(folder)
    with writing(target):
        remove(partial)
        plan = blocks.planned(folder, arrays)
        _check_room(target, blocks.size(plan, arrays))
        partial.mkdir()
        try:
            blocks.write(folder, plan, arrays)
            write_files(partial, plan.small, meta, plan.listed)
            if target.exists() or target.is_symlink():
                remove(old)
                target.rename(old)
            partial.rename(target)
            to_disk(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _discard(old)
    return target


def size(arrays: Mapping[str, np.ndarray]) -> int:
    """Bytes that a checkpoint of these arrays takes, but for a few thousand."""
    return sum(array.nbytes for array in arrays.values())


def load(path: Path, into: Mapping[str, np.ndarray] = NOWHERE) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and ``meta`` of a checkpoint, verified. Safe while another process replaces it.

    Large arrays for which there is room ``into`` which to read them, by name, are read into that.

    Raises:
        DamagedCheckpoint: one line saying which file is missing or how it differs from what was saved.
        Unreadable: the system refuses, or memory is too small.
    """
    return _steady(path, partial(load_files, into=into))


def verify(path: Path) -> dict[str, Any]:
    """``meta`` of a checkpoint whose every byte was checked; like ``load``, without making arrays."""
    return _steady(path, verify_files)


def checkpoints(folder: Path) -> list[Path]:
    """The step checkpoints (``step-000012345``) of a folder, whole or damaged, oldest first."""
    found = {folder / entry.name.removesuffix(OLD) for entry in folder.glob("step-*") if entry.is_dir()}
    return sorted((path for path in found if STEP_NAME.fullmatch(path.name)), key=step_of)


def latest(folder: Path, report: Callable[[str], None]) -> Path | None:
    """The newest undamaged step checkpoint; every damaged one on the way is reported in a line and passed over.

    Raises:
        OtherFormat: a newer one is of another format: to go on without it would lose what it holds.
        DamagedCheckpoint: there are some, but none can be read.
    """
    faults = []
    for path in reversed(checkpoints(folder)):
        try:
            verify(path)
        except OtherFormat:
            raise
        except DamagedCheckpoint as problem:
            faults.append(problem)
            report(f"checkpoint passed over: {problem}")
        else:
            return path
    if faults:
        others = f" (and {len(faults) - 1} before it)" if faults[1:] else ""
        raise DamagedCheckpoint(
            f"no checkpoint of {folder.parent} can be read, so nothing was changed: {faults[0]}{others}; "
            f"restore one, or remove {folder} to begin anew"
        )
    return None


def check_owner(path: Path, meta: Mapping[str, Any], run: str | None, seeds: Sequence[int]) -> None:
    """Check that a checkpoint is of this run and these seeds. Those of early versions do not say whose they are.

    Raises:
        UserError: it was copied from elsewhere.
    """
    tracked = [track["seed"] for track in meta.get("tracks", [])]
    found = meta.get("seeds", tracked or list(seeds))
    if meta.get("run") != run:
        raise UserError(f"{path} is a checkpoint of another run: put back this run's own, or remove it")
    if found != list(seeds) or tracked not in ([], found):
        raise UserError(
            f"{path} is a checkpoint of seed {', '.join(map(str, found))}, not {', '.join(map(str, seeds))}: "
            "put back the right one, or remove it"
        )


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Within it, data that do not fit are told as a damaged checkpoint.

    Raises:
        DamagedCheckpoint: for any error that wrong data may lead to.
    """
    try:
        yield
    except UserError:
        raise
    except WRONG_DATA as fault:
        told = shorten(f"{type(fault).__name__}: {fault}", 200, placeholder=" ...")
        raise DamagedCheckpoint(f"{path}: what it holds does not fit this run ({told})") from fault


def prune(folder: Path, keep: int = 2) -> None:
    """Remove all but the ``keep`` newest step checkpoints, and what a crash left half done; touch no other name."""
    with writing(own_folder(folder)):
        for leftover in folder.glob("*" + PARTIAL):
            _discard(leftover)
        for old in folder.glob("*" + OLD):
            current = old.with_suffix("")
            if current.exists():
                _discard(old)
            elif (old / HEADER).exists():
                old.rename(current)
        steps = checkpoints(folder)
        for path in steps[: max(len(steps) - keep, 0)]:
            drop(path)
        with suppress(DamagedCheckpoint):  # whose blocks nobody knows
            blocks.prune(folder, [index_of(path) for path in folder.iterdir() if (path / HEADER).exists()])


def drop(path: Path) -> None:
    """Remove a checkpoint."""
    # Renamed first: a checkpoint's name never stands on a half-removed folder.
    partial = path.with_name(path.name + PARTIAL)
    _discard(partial)
    _discard(path.rename(partial))


def _check_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if size > free:
        raise Unwritable(
            f"{target} cannot be written: it takes {amount(size)} and there is room for {amount(free)}; "
            "make some and go on, what was saved before is whole"
        )


def _discard(path: Path) -> None:
    """Remove what is no longer needed; what is left of it does no harm."""
    with suppress(OSError):
        remove(path)


def step_of(path: Path) -> int:
    """The env step that a step checkpoint's name tells; -1 for another name."""
    match = STEP_NAME.fullmatch(path.name)
    return int(match.group(1)) if match else -1


def _place(path: Path) -> tuple[Path, int, int]:
    """Where to read a checkpoint now, and which folder that is: a kill between two renames leaves only ``.old``."""
    for place in (path, path.with_name(path.name + OLD)):
        with suppress(FileNotFoundError):
            status = place.stat()
            return place, status.st_ino, status.st_mtime_ns
    return path, 0, 0


def _steady(path: Path, read: Callable[[Path], T]) -> T:
    """Read, and read again if the folder was replaced meanwhile: its two files might not belong together."""
    while True:
        before = _place(path)
        try:
            found = read(before[0])
        except DamagedCheckpoint:
            if _place(path) == before:
                raise
        else:
            if _place(path) == before:
                return found
