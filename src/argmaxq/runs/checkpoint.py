"""Checkpoints: a pytree as named arrays in a folder that is whole or absent, whatever moment a process dies at.

A checkpoint is a folder with ``arrays.safetensors`` and ``checkpoint.json`` (format, size, hashes and JSON data). It
is written beside its place under a temporary name, brought to the disk, and renamed: what carries a checkpoint's name
is complete. Where one is replaced, the old one stays readable under ``NAME.old`` until the new one is in place.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from argmaxq.components.errors import UserError

T = TypeVar("T")

FORMAT = 2
RENAMED = {1: {"engine/actor/": "engine/memory/"}}
"""Earlier formats that are read, and what the beginnings of their arrays' names have become since."""
ARRAYS, HEADER = "arrays.safetensors", "checkpoint.json"
PARTIAL, OLD = ".partial", ".old"
STEP_NAME = re.compile(r"step-(\d+)")


class DamagedCheckpoint(UserError):
    """A checkpoint that is missing, incomplete, changed or of another format."""


def save(folder: Path, name: str, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Path:
    """Write ``folder/name``, replacing one of that name, so that a kill at any moment leaves the old or the new one.

    ``meta`` is JSON without NaN or infinities, which JSON cannot hold.
    """
    target, partial, old = (folder / (name + suffix) for suffix in ("", PARTIAL, OLD))
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # safetensors writes an array's memory as it lies, so a transposed view has to be laid out in order first.
    save_file({key: np.asarray(array, order="C") for key, array in arrays.items()}, partial / ARRAYS)
    header = {
        "format": FORMAT,
        "bytes": (partial / ARRAYS).stat().st_size,
        "sha256": _hash_file(partial / ARRAYS),
        "meta_sha256": _hash_json(meta),
        "meta": meta,
    }
    (partial / HEADER).write_text(json.dumps(header, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    for path in (partial / ARRAYS, partial / HEADER, partial):
        _to_disk(path)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    partial.rename(target)
    _to_disk(folder)
    shutil.rmtree(old, ignore_errors=True)
    return target


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and ``meta`` of a checkpoint, verified. Safe while another process replaces it.

    Raises:
        DamagedCheckpoint: one line saying which file is missing or how it differs from what was saved.
    """
    return _steady(path, _load)


def verify(path: Path) -> dict[str, Any]:
    """``meta`` of a checkpoint whose every byte was checked; like ``load``, without making arrays."""
    return _steady(path, _verify)


def checkpoints(folder: Path) -> list[Path]:
    """The step checkpoints (``step-000012345``) of a folder, whole or damaged, oldest first."""
    found = {folder / entry.name.removesuffix(OLD) for entry in folder.glob("step-*") if entry.is_dir()}
    return sorted((path for path in found if STEP_NAME.fullmatch(path.name)), key=step_of)


def latest(folder: Path, report: Callable[[str], None]) -> Path | None:
    """The newest undamaged step checkpoint; every damaged one on the way is reported in a line and passed over."""
    for path in reversed(checkpoints(folder)):
        try:
            verify(path)
        except DamagedCheckpoint as problem:
            report(f"checkpoint passed over: {problem}")
        else:
            return path
    return None


def prune(folder: Path, keep: int = 2) -> None:
    """Remove all but the ``keep`` newest step checkpoints, and what a crash left half done; touch no other name."""
    for leftover in folder.glob("*" + PARTIAL):
        shutil.rmtree(leftover, ignore_errors=True)
    for old in folder.glob("*" + OLD):
        current = old.with_suffix("")
        if current.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif (old / HEADER).exists():
            old.rename(current)
    steps = checkpoints(folder)
    for path in steps[: max(len(steps) - keep, 0)]:
        # Renamed first: a checkpoint's name never stands on a half-removed folder.
        shutil.rmtree(path.rename(path.with_name(path.name + PARTIAL)), ignore_errors=True)


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


def _load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    meta = _verify(path)
    try:
        return _renamed(load_file(path / ARRAYS), _read_header(path / HEADER)["format"]), meta
    except (OSError, SafetensorError) as problem:
        raise DamagedCheckpoint(f"{path / ARRAYS}: it cannot be read ({problem})") from None


def _renamed(arrays: dict[str, np.ndarray], version: int) -> dict[str, np.ndarray]:
    """Arrays of an earlier format under the names that they have now."""
    for old, new in RENAMED.get(version, {}).items():
        arrays = {new + name.removeprefix(old) if name.startswith(old) else name: a for name, a in arrays.items()}
    return arrays


def _verify(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise DamagedCheckpoint(f"{path}: there is no such checkpoint")
    header, arrays = _read_header(path / HEADER), path / ARRAYS
    try:
        size = arrays.stat().st_size
        if size != header["bytes"]:
            raise DamagedCheckpoint(f"{arrays}: {size} bytes long, {header['bytes']} were saved")
        if _hash_file(arrays) != header["sha256"]:
            raise DamagedCheckpoint(f"{arrays}: its content is not what was saved (sha256 differs)")
    except FileNotFoundError:
        raise DamagedCheckpoint(f"{arrays}: the file is missing") from None
    except OSError as problem:
        raise DamagedCheckpoint(f"{arrays}: it cannot be read ({problem})") from None
    meta: dict[str, Any] = header["meta"]
    return meta


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DamagedCheckpoint(f"{path}: the file is missing") from None
    except (OSError, ValueError) as problem:
        raise DamagedCheckpoint(f"{path}: it cannot be read as JSON ({problem})") from None
    version = header.get("format") if isinstance(header, dict) else None
    if version != FORMAT and version not in RENAMED:
        raise DamagedCheckpoint(
            f"{path}: its format is {version!r}, this argmaxq reads {FORMAT}: use the one that wrote it"
        )
    missing = {"bytes", "sha256", "meta", "meta_sha256"} - header.keys()
    if missing or _hash_json(header["meta"]) != header["meta_sha256"]:
        raise DamagedCheckpoint(f"{path}: its content is not what was saved (meta)")
    return dict(header)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_json(value: Any) -> str:
    """Hash of the data, not of their layout; tuples and number keys are first made what a reader will see."""
    seen = json.loads(json.dumps(value))
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def _to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder, and writes its renames through by itself.
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
