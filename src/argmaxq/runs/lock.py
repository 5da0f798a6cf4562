"""One process at a time in a run's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock within it. The system takes it back when the process ends, however it ends.

    Raises:
        UserError: another process holds it.
    """
    fcntl = _fcntl()
    if fcntl is None:
        yield
        return
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(f"{folder} is in use by process {file.read()}: stop it, or wait for its end") from None
        except OSError:  # a file system that knows no locks
            pass
        else:
            file.truncate(0)
            print(os.getpid(), end="", file=file, flush=True)
        yield


def _fcntl() -> Any:
    """The module, or None where the system has none."""
    try:
        import fcntl
    except ImportError:
        return None
    return fcntl
