"""Ctrl-C and SIGTERM: obeyed at once, except while there is something to save first.

Python's own way, an exception wherever the main thread happens to be, gets lost in callbacks of compiled code, waits
for the end of a compilation, and shows whatever was half imported. So the command line ends itself with one line, from
a thread of its own; training in the main thread notes a signal, and comes to it when all is saved.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

HEEDED = tuple(found for name in ("SIGINT", "SIGTERM") if (found := getattr(signal, name, None)) is not None)
"""The signals that are obeyed here, as far as the system has them."""
LINE = "argmaxq: interrupted"
SHOW_CURSOR = b"\x1b[?25h"
"""A progress bar hides it."""


class Terminated(SystemExit):
    """SIGTERM came. Left alone, it ends the process with the exit status that a shell gives for that: 143."""


INTERRUPTIONS = (KeyboardInterrupt, Terminated)
"""What Ctrl-C and SIGTERM raise from training."""


class Noted:
    """Signals that have come since training began, and whether something has to be saved before they are obeyed."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.held = False
        self.left_alone = False


_noted: Noted | None = None
_guarded = False
_ending = threading.Lock()


def waiting() -> str:
    """The name of a signal that has come and waits for its turn, or nothing. Always nothing outside of ``noting``."""
    if _noted is None or not _noted.received or threading.current_thread() is not threading.main_thread():
        return ""
    return signal.Signals(_noted.received[0]).name


def hold() -> None:
    """From now on there is something to save: the next signal is only noted."""
    if _noted is not None and threading.current_thread() is threading.main_thread():
        _noted.held = True


def obey(note: str = "") -> None:
    """Raise what the waiting signal means, if there is one: KeyboardInterrupt or Terminated, with a note."""
    if _noted is not None and waiting():
        raise _meant(_noted.received[0], note)


@contextmanager
def noting() -> Iterator[None]:
    """Within it a signal is noted; it is obeyed at once, too, before ``hold``, and where one waits already.

    One that still waits at the end is obeyed there. In other threads than the main one it does nothing, since Python
    gives signals to that one alone. A signal that was ignored stays ignored.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        Terminated: SIGTERM.
    """
    global _noted
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, _noted = _noted, Noted()
    before = {number: signal.signal(number, _note) for number in _heeded()}
    try:
        yield
        obey()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _noted = outer


def guard() -> None:
    """For the command line: a signal ends the process with one line, whatever the main thread is doing.

    Only ``noting`` holds it up. The thread reads what Python's handler in C writes as soon as a signal comes.
    """
    global _guarded
    if _guarded or threading.current_thread() is not threading.main_thread() or os.name == "nt":
        return
    _guarded = True
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in _heeded():
        signal.signal(number, lambda number, frame: _end(number))
    threading.Thread(target=_watch, args=(read,), name="signals", daemon=True).start()


def is_command() -> bool:
    """Whether Python was started as ``argmaxq`` or ``python -m argmaxq``, asked while this package is imported."""
    # While Python looks for the module of -m, that is the first argument. A worker process shows its parent's.
    first = sys.argv[0] if getattr(sys, "argv", None) else ""
    return first in sys.orig_argv and (first == "-m" or Path(first).stem == "argmaxq")


def _heeded() -> list[signal.Signals]:
    return [number for number in HEEDED if signal.getsignal(number) != signal.SIG_IGN]


def _note(number: int, frame: FrameType | None) -> None:
    assert _noted is not None
    _noted.received.append(number)
    if _noted.held and len(_noted.received) == 1:
        return
    if _guarded:
        _end(number)
    raise _meant(number)


def _meant(number: int, note: str = "") -> BaseException:
    meant = KeyboardInterrupt() if number == signal.SIGINT else Terminated(128 + number)
    if note:
        meant.add_note(note)
    return meant


def _watch(read: int) -> None:
    """The thread of ``guard``: ends the process, unless the main thread has something to save first."""
    while True:
        for number in os.read(read, 64):
            if number not in HEEDED:
                continue
            if _noted is not None and _noted.held and not _noted.left_alone:
                _noted.left_alone = True
            else:
                _end(number)


def _end(number: int) -> None:
    """Say so and end at once. Nothing is cleaned up: what must be whole is written beside its place and renamed."""
    if not _ending.acquire(timeout=1):
        return  # another thread, or the code that this signal has come between, is about to
    with suppress(OSError):  # nobody listens any more
        if os.isatty(1):
            os.write(1, SHOW_CURSOR)
        os.write(2, f"{LINE}\n".encode())
    os._exit(128 + number)
