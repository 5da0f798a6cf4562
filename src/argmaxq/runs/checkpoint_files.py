"""The two files of a checkpoint: ``arrays.safetensors``, and ``checkpoint.json`` with format, size, hashes and data.

Large arrays are kept beside them, see ``blocks``; a checkpoint that has some is of a format of its own.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from argmaxq.components.errors import UserError
from argmaxq.runs import blocks, formats
from argmaxq.runs.files.reading import Malformed, Unreadable, opened, read_json
from argmaxq.trees import amount

FORMAT, WITH_BLOCKS = 2, 3
RENAMED = {1: {"engine/actor/": "engine/memory/"}}
"""Earlier formats that are read, and what the beginnings of their arrays' names have become since."""
ARRAYS, HEADER = "arrays.safetensors", "checkpoint.json"


class DamagedCheckpoint(UserError):
    """A checkpoint that is missing, incomplete, changed or of another format."""


class OtherFormat(DamagedCheckpoint):
    """A checkpoint that another version of argmaxq can read."""


def write_files(partial: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], index: Any) -> None:
    """Both files of a checkpoint, on the disk; ``index`` tells of the arrays that are kept in blocks."""
    try:
        # safetensors writes an array's memory as it lies, so a transposed view has to be laid out in order first.
        save_file({key: np.asarray(array, order="C") for key, array in arrays.items()}, partial / ARRAYS)
    except SafetensorError as problem:
        raise _as_os_error(problem) from problem
    header = {
        "format": WITH_BLOCKS if index else FORMAT,
        "bytes": (partial / ARRAYS).stat().st_size,
        "sha256": _hash_file(partial / ARRAYS),
        "meta_sha256": _hash_json(meta),
        "meta": meta,
    } | ({"index": index, "index_sha256": _hash_json(index)} if index else {})
    (partial / HEADER).write_text(json.dumps(header, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    for path in (partial / ARRAYS, partial / HEADER, partial):
        to_disk(path)


def load_files(path: Path, into: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and data, verified; of those that are kept in blocks, some are read ``into`` memory that is there."""
    header = _verified(path)
    try:
        arrays = _renamed(load_file(path / ARRAYS), header["format"])
        return arrays | blocks.read(path.parent, header.get("index", {}), into), header["meta"]
    except blocks.Differs as problem:
        raise DamagedCheckpoint(f"{path}: {problem}") from None
    except MemoryError:
        needed = amount((path / ARRAYS).stat().st_size + blocks.length(header.get("index", {})))
        raise Unreadable(f"{path / ARRAYS} cannot be read: too little memory for its {needed}; free some") from None
    except (OSError, SafetensorError, AttributeError, LookupError, TypeError, ValueError) as problem:
        raise DamagedCheckpoint(f"{path / ARRAYS}: it cannot be read ({problem})") from None


def _renamed(arrays: dict[str, np.ndarray], version: int) -> dict[str, np.ndarray]:
    """Arrays of an earlier format under the names that they have now."""
    for old, new in RENAMED.get(version, {}).items():
        arrays = {new + name.removeprefix(old) if name.startswith(old) else name: a for name, a in arrays.items()}
    return arrays


def verify_files(path: Path) -> dict[str, Any]:
    """The data, once every byte was checked."""
    header = _verified(path)
    try:
        blocks.verify(path.parent, header.get("index", {}))
    except blocks.Differs as problem:
        raise DamagedCheckpoint(f"{path}: {problem}") from None
    except OSError as problem:
        raise Unreadable(f"{path}: a block of it cannot be read: {problem.strerror or problem}") from None
    meta: dict[str, Any] = header["meta"]
    return meta


def index_of(path: Path) -> dict[str, Any]:
    """What a checkpoint says of arrays that are kept in blocks; raises DamagedCheckpoint."""
    index: dict[str, Any] = _read_header(path / HEADER).get("index", {})
    return index


def _verified(path: Path) -> dict[str, Any]:
    """The header, once every byte was checked."""
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
        raise Unreadable(f"{arrays} cannot be read: {problem.strerror or problem}") from None
    return header


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = read_json(path)
    except FileNotFoundError:
        raise DamagedCheckpoint(f"{path}: the file is missing") from None
    except Malformed as problem:
        raise DamagedCheckpoint(str(problem)) from None
    version = header.get("format") if isinstance(header, dict) else None
    if type(version) is not int or version not in (FORMAT, WITH_BLOCKS, *RENAMED):
        kind = OtherFormat if type(version) is int and version > WITH_BLOCKS else DamagedCheckpoint
        read = f"{FORMAT} and {WITH_BLOCKS}"
        raise kind(f"{path}: its format is {version!r}, this argmaxq reads {read}: use the one that wrote it")
    try:
        formats.checked(formats.HEADER, header, path)
    except UserError as problem:
        raise DamagedCheckpoint(str(problem)) from None
    if _hash_json(header["meta"]) != header["meta_sha256"]:
        raise DamagedCheckpoint(f"{path}: its content is not what was saved (meta)")
    if ("index" in header) != (version == WITH_BLOCKS):
        raise DamagedCheckpoint(f"{path}: format {version}, {'with' if 'index' in header else 'without'} an index")
    if "index" in header and _hash_json(header["index"]) != header.get("index_sha256"):
        raise DamagedCheckpoint(f"{path}: its content is not what was saved (index)")
    return dict(header)


def _hash_file(path: Path) -> str:
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_json(value: Any) -> str:
    """Hash of the data, not of their layout; tuples and number keys are first made what a reader will see."""
    seen = json.loads(json.dumps(value))
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def to_disk(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder, and writes its renames through by itself.
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _as_os_error(problem: SafetensorError) -> Exception:
    """The system's own error, which safetensors only gives as text."""
    number = re.search(r"os error (\d+)", str(problem))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else problem
