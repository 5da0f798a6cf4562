"""Large arrays in blocks of their own, named after what they hold: what is there already is not written again.

A replay is overwritten in order, so most of it is, from one checkpoint to the next, what it was. Blocks lie in the
folder ``blocks`` beside the checkpoints, raw, each under its SHA-256; a checkpoint lists those that it is made of.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.runs.files.reading import opened
from argmaxq.runs.files.shapes import each, fields, matching, whole
from argmaxq.runs.files.writing import PARTIAL, own_folder, remove

FOLDER = "blocks"
LARGE = 2**26
"""Bytes from which an array is kept in blocks."""
BLOCK = 2**24
"""Bytes of a block; an array's last one may be shorter."""
DTYPES = re.compile("bool|u?int(8|16|32|64)|float(16|32|64)")
"""Of arrays that are kept in blocks."""
NAME = re.compile("[0-9a-f]{64}")
INDEX = fields(
    {
        "dtype": matching(DTYPES.pattern, "a dtype"),
        "shape": each(whole()),
        "blocks": each(matching(NAME.pattern, "64 hexadecimal digits")),
    }
)
"""What a checkpoint says of an array that is kept in blocks."""


class Differs(UserError):
    """A block that is missing, or holds something else than what it is named after."""


class Plan(NamedTuple):
    """How arrays are to be kept: small ones by name, and of large ones the index and where each new block comes from.

    ``new`` maps names of blocks to the array that holds them and the number of the block in it.
    """

    small: dict[str, np.ndarray]
    listed: dict[str, Any]
    new: dict[str, tuple[str, int]]


def planned(folder: Path, arrays: Mapping[str, np.ndarray]) -> Plan:
    """What of these arrays has to be written beside what lies in ``folder``; they are read, and not copied."""
    small = {name: array for name, array in arrays.items() if not _blocked(array)}
    index: dict[str, Any] = {}
    new: dict[str, tuple[str, int]] = {}
    for name, array in arrays.items():
        if name in small:
            continue
        names = [_name(part) for part in _parts(array)]
        index[name] = {"dtype": array.dtype.name, "shape": list(array.shape), "blocks": names}
        for number, block in enumerate(names):
            if not (folder / FOLDER / block).exists():
                new[block] = name, number
    return Plan(small, index, new)


def size(plan: Plan, arrays: Mapping[str, np.ndarray]) -> int:
    """Bytes that a plan writes."""
    new = sum(min(BLOCK, arrays[name].nbytes - number * BLOCK) for name, number in plan.new.values())
    return new + sum(array.nbytes for array in plan.small.values())


def length(index: Mapping[str, Any]) -> int:
    """Bytes of the arrays of an index."""
    return sum(math.prod(entry["shape"]) * np.dtype(entry["dtype"]).itemsize for entry in index.values())


def write(folder: Path, plan: Plan, arrays: Mapping[str, np.ndarray]) -> None:
    """Bring all new blocks to the disk."""
    place = own_folder(folder / FOLDER) if plan.listed else folder
    for block, (name, number) in plan.new.items():
        partial = place / (block + PARTIAL)
        remove(partial)
        with partial.open("xb") as file:
            file.write(_bytes(arrays[name])[number * BLOCK : (number + 1) * BLOCK])
            file.flush()
            os.fsync(file.fileno())
        partial.replace(place / block)


def read(folder: Path, index: Mapping[str, Any], into: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of an index; those that fit one of ``into`` are read into that.

    What is zero takes no memory that it did not have.

    Raises:
        Differs: a block is missing or not what was saved.
    """
    arrays = {}
    for name, entry in index.items():
        dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
        _check_sizes(folder, name, entry, math.prod(shape) * dtype.itemsize)
        array = into.get(name)
        if array is None or (array.dtype, array.shape) != (dtype, shape):
            array = np.zeros(shape, dtype)
        arrays[name] = array
        for part, block in zip(_parts(array), entry["blocks"], strict=True):
            if block == _of_zeros(len(part)):
                _clear(part)
                continue
            with opened(folder / FOLDER / block) as file:
                file.readinto(part)
            if _name(part) != block:
                raise Differs(f"{folder / FOLDER / block}: its content is not what was saved (sha256 differs)")
    return arrays


def verify(folder: Path, index: Mapping[str, Any]) -> None:
    """Whether all blocks of an index hold what was saved; raises Differs."""
    for block in {block for entry in index.values() for block in entry["blocks"]}:
        try:
            with opened(folder / FOLDER / block) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise Differs(f"{folder / FOLDER / block}: the file is missing") from None
        if found != block:
            raise Differs(f"{folder / FOLDER / block}: its content is not what was saved (sha256 differs)")


def prune(folder: Path, indices: Iterable[Mapping[str, Any]]) -> None:
    """Remove all blocks that none of these indices names."""
    place = folder / FOLDER
    if not place.is_dir() or place.is_symlink():
        return
    wanted = {block for index in indices for entry in index.values() for block in entry["blocks"]}
    for path in list(place.iterdir()):
        name = path.name.removesuffix(PARTIAL)
        if NAME.fullmatch(name) and (name not in wanted or path.name != name):
            path.unlink(missing_ok=True)


def _blocked(array: np.ndarray) -> bool:
    return array.nbytes >= LARGE and array.flags.c_contiguous and bool(DTYPES.fullmatch(array.dtype.name))


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _parts(array: np.ndarray) -> Iterator[memoryview]:
    flat = _bytes(array)
    return (flat[first : first + BLOCK] for first in range(0, len(flat), BLOCK))


def _name(part: memoryview) -> str:
    # Where nothing was written yet there are zeros, which are known sooner.
    return hashlib.sha256(part).hexdigest() if np.frombuffer(part, np.uint8).any() else _of_zeros(len(part))


def _clear(part: memoryview) -> None:
    own = np.frombuffer(part, np.uint8)
    if own.any():
        own[:] = 0


@cache
def _of_zeros(count: int) -> str:
    return hashlib.sha256(bytes(count)).hexdigest()


def _check_sizes(folder: Path, name: str, entry: Mapping[str, Any], needed: int) -> None:
    """Nothing is allocated for an array that the blocks do not fill."""
    try:
        there = [(folder / FOLDER / block).stat().st_size for block in entry["blocks"]]
    except FileNotFoundError as problem:
        raise Differs(f"{problem.filename}: the file is missing") from None
    whole_ones, rest = divmod(needed, BLOCK)
    if there != [BLOCK] * whole_ones + [rest] * bool(rest):
        raise Differs(f"{folder}: the blocks of {name} are not as long as what was saved")
