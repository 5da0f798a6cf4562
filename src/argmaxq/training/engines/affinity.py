"""Two threads that take turns share a core: between idle cores each turn waits tens of microseconds to be noticed."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ONE_CORE = (0.9, 1.03)
"""Cores that a block used if its threads took turns: with less they waited for others, with more they ran together."""


class SharedCore:
    """Keeps the calling thread and XLA's only worker on one core for one block of training after the other.

    The scheduler chooses the core anew before each block. The first block runs free, which shows whether the threads
    take turns, and leaves all cores to those that an environment starts when it is first used; so does the one after a
    block that had to wait for its core. On other systems than Linux, and where XLA has several workers, all run free.
    """

    def __init__(self) -> None:
        self._stay = False

    @contextmanager
    def block(self) -> Iterator[None]:
        """One block of training."""
        begin, busy = time.perf_counter(), time.process_time()
        before = stay_on_core(taking_turns()) if self._stay else {}
        try:
            yield
        finally:
            for thread, free in before.items():
                with suppress(OSError):  # the thread has ended
                    os.sched_setaffinity(thread, free)
        cores = (time.process_time() - busy) / (time.perf_counter() - begin)
        self._stay = ONE_CORE[0] <= cores <= ONE_CORE[1]


def taking_turns() -> list[int]:
    """This thread and XLA's worker, or none where they are not two."""
    tasks = Path("/proc/self/task")
    if not hasattr(os, "sched_setaffinity") or not tasks.exists():
        return []
    workers = [int(task.name) for task in tasks.iterdir() if name(task).startswith("tf_XLAEigen")]
    return [0, *workers] if len(workers) == 1 else []


def name(task: Path) -> str:
    """A thread's name, none if it has ended."""
    with suppress(OSError):
        return (task / "comm").read_text()
    return ""


def stay_on_core(threads: list[int]) -> dict[int, set[int]]:
    """Bind threads to the core that this one is on now; returns the cores that each had."""
    before: dict[int, set[int]] = {}
    with suppress(OSError):  # where the system forbids it, they stay free
        # The 39th field, of which the first two, with the name in brackets, are cut off.
        core = int(Path("/proc/thread-self/stat").read_text().rpartition(")")[2].split()[36])
        for thread in threads:
            before[thread] = os.sched_getaffinity(thread)
            os.sched_setaffinity(thread, {core})
    return before
