"""Reading what others may have written: ordinary files, and JSON that is not deep and holds finite numbers."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from stat import S_ISREG
from typing import Any

from argmaxq.components.errors import UserError

LARGEST = 2**28
"""Bytes of a JSON file that are still read."""
DEEPEST = 60
WIDEST = 2**200
"""Whole numbers are smaller; a generator's state takes 128 bits."""
WRONG_DATA = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What data of wrong kinds lead to where they are used."""


class Unreadable(UserError):
    """A file that the system does not let one read, or that is none."""


class Malformed(UserError):
    """A file whose content is not what it should be."""


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """An ordinary file, to be read.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it is no ordinary file, or the system refuses, or memory is too small for what is read within.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"{path} is no ordinary file")
            yield file
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise Unreadable(f"{path} cannot be read: {problem.strerror or problem}") from None
    except MemoryError:
        raise Unreadable(f"{path} cannot be read: too little memory; free some and try again") from None


def read_bytes(path: Path, largest: int | None = None) -> bytes:
    """An ordinary file's content; raises as ``opened``, and Malformed for one of more than ``largest`` bytes."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if largest is not None and size > largest:
            raise Malformed(f"{path} is {size} bytes long: at most {largest} are read")
        return file.read()


def read_json(path: Path) -> Any:
    """The data of a JSON file.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: the system refuses, or it is no ordinary file.
        Malformed: it is no sane JSON.
    """
    content = read_bytes(path, LARGEST)
    try:
        return sane(parse(content), DEEPEST)
    except ValueError as problem:
        raise Malformed(f"{path} cannot be read as JSON ({problem}): it was changed or cut; restore it") from None


def parse(content: bytes) -> Any:
    """JSON text in UTF-8, without NaN and infinities; raises ValueError."""
    try:
        return _decode(content.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def sane(data: Any, depth: int) -> Any:
    """``data`` itself, or ValueError where it is too deep or holds a number that is not finite or far too large."""
    if isinstance(data, dict | list):
        if depth == 0:
            raise ValueError("it is nested too deeply")
        for item in data.values() if isinstance(data, dict) else data:
            sane(item, depth - 1)
    elif isinstance(data, float) and not math.isfinite(data):
        raise ValueError("a number is not finite")
    elif isinstance(data, int) and abs(data) >= WIDEST:
        raise ValueError("a number is far too large")
    return data


def _open(name: str, flags: int) -> int:
    """Without waiting, where it is a pipe, for someone to write to it."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


_decode = json.JSONDecoder(parse_constant=_refuse).decode
