"""Writing in a run's folder: never through a link that leads out of it, and with a clear line where it fails."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

from argmaxq.components.errors import UserError

PARTIAL = ".partial"
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class Unwritable(UserError):
    """What could not be written: for lack of room, permission or memory, or because a link lies in its place."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one line why ``path`` cannot be written.

    Raises:
        Unwritable: for an error of the system's within it, or too little memory.
    """
    try:
        yield
    except OSError as problem:
        raise Unwritable(f"{path} cannot be written: {_reason(problem)}") from problem
    except MemoryError as problem:
        raise Unwritable(f"{path} cannot be written: too little memory; what was saved before is whole") from problem


@contextmanager
def changed(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """A file that is changed in place, ``ab`` or ``rb+``, and errors told; see ``open_own``."""
    with writing(path), open_own(path, mode) as file:
        yield file


def open_own(path: Path, mode: str, buffering: int = -1) -> IO[Any]:
    """Open a file of this folder's own to change it in place.

    Raises:
        Unwritable: a link lies there, or the file has another name elsewhere, or the system refuses.
    """
    with writing(path):
        file = open(path, mode, buffering, opener=_open)  # noqa: SIM115 (whoever asked closes it)
    status = os.fstat(file.fileno())
    if S_ISREG(status.st_mode) and status.st_nlink == 1:
        return file
    file.close()
    if S_ISREG(status.st_mode):
        raise Unwritable(f"{path} has another name elsewhere (a hard link): put a copy in its place")
    raise Unwritable(f"{path} is no ordinary file, and nothing is written to it: put one in its place")


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. What bore its name is replaced; a link is, not what it leads to.

    Raises:
        Unwritable: the system refuses.
    """
    partial = path.with_name(path.name + PARTIAL)
    with writing(path):
        remove(partial)
        try:
            with partial.open("xb") as file:
                file.write(content)
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                remove(partial)
            raise


def own_folder(path: Path) -> Path:
    """A folder within a run's, made unless it is there.

    Raises:
        Unwritable: a link to another folder lies there, or the system refuses.
    """
    with writing(path):
        if path.is_symlink():
            raise Unwritable(f"{path} is a link, and nothing is written through one: put a folder in its place")
        path.mkdir(parents=True, exist_ok=True)
    return path


def remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or a link, but never what a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _open(name: str, flags: int) -> int:
    """Open a file itself, not what a link leads to, without waiting where it is a pipe."""
    if os.path.islink(name):  # for systems without O_NOFOLLOW
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    own = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(name, flags | own, 0o666)


def _reason(problem: OSError) -> str:
    if problem.errno in FULL:
        return f"there is no room ({problem.strerror}); make some and go on, what was saved before is whole"
    if problem.errno in FORBIDDEN:
        return f"it is not yours to write ({problem.strerror}); change its owner or mode, or write elsewhere"
    if problem.errno == errno.ELOOP:
        return "it is a link, and nothing is written through one; put a file in its place"
    return f"{problem.strerror or problem}"
