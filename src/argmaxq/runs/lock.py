"""One process at a time in a run's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from argmaxq.components.errors import UserError
from argmaxq.runs.files.writing import open_own, writing

LOCK = ".lock"


class InUse(UserError):
    """Another process holds a folder's lock."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock within it. The system takes it back when the process ends, however it ends.

    Raises:
        InUse: another process holds it.
        Unwritable: the folder cannot be written.
    """
    fcntl = _fcntl()
    if fcntl is None:
        yield
        return
    with open_own(folder / LOCK, "ab+", buffering=0) as file:
        _take(fcntl, file, folder)
        yield


def _take(fcntl: Any, file: IO[bytes], folder: Path) -> None:
    """Lock an open file, and write into it who did."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        number = file.read(20).decode(errors="replace")
        raise InUse(f"{folder} is in use by process {number}: stop it, or wait for its end") from None
    except OSError:  # a file system that knows no locks
        return
    with writing(folder / LOCK):
        file.truncate(0)
        file.write(str(os.getpid()).encode())


def _fcntl() -> Any:
    """The module, or None where the system has none."""
    try:
        import fcntl
    except ImportError:
        return None
    return fcntl
