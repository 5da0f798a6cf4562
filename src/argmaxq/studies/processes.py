"""Groups trained by processes of this machine."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from argmaxq.setup import usable_cores
from argmaxq.studies.folder import Layout
from argmaxq.studies.plan import Group

START = """
import json, sys
sys.path[:], folder, kind = json.loads(sys.argv[1])
from argmaxq.studies.worker import main
main(folder, kind)
"""
RETRIES = 2
"""How often a group is tried again whose process ended in the middle."""
Answer = tuple[int, str]
"""A group's number, and what went wrong, or nothing."""


class Worker:
    """A process that trains one group after another of one kind, see ``Group.kind``."""

    def __init__(self, folder: Path, kind: str, environment: Mapping[str, str]) -> None:
        self.kind = kind
        self.group: int | None = None
        self._process: subprocess.Popen[str] = subprocess.Popen(
            # -P: nothing is imported from the current folder unless this process does so, too.
            [sys.executable, "-P", "-c", START, json.dumps([sys.path, str(folder.resolve()), kind])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is whoever asks to obey
            env=os.environ | dict(environment),
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, group: int) -> None:
        """Have it train a group."""
        self.group = group
        assert self._process.stdin is not None
        with suppress(OSError):  # its end, the missing answer will tell
            self._process.stdin.write(f"{group}\n")
            self._process.stdin.flush()

    def answer(self) -> str | None:
        """What went wrong with the group, or nothing; None where the process ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return None
        fault: str = json.loads(line)[1]
        return fault

    def end(self) -> str:
        """How the process ended, in words."""
        code = self._process.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """Ask it to save what was done, and to end."""
        with suppress(OSError):
            self._process.terminate()  # where the system has no SIGTERM, what was saved before is whole

    def close(self) -> None:
        """See to it that it has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()


class Processes:
    """As many groups at once as there are cores: a compiled one takes all of them, one of the host takes one."""

    def __init__(self, layout: Layout, groups: Mapping[int, Group], environment: Mapping[str, str]) -> None:
        self._folder, self._groups, self._environment = layout.path, groups, environment
        self._waiting: deque[int] = deque()
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []
        self._answers: queue.SimpleQueue[tuple[Worker, str | None]] = queue.SimpleQueue()
        self._tries: dict[int, int] = {}
        self._stopping = False

    def submit(self, group: int) -> None:
        """Have a group trained once there are cores for it."""
        self._waiting.append(group)
        self._start()

    def wait(self, seconds: float) -> list[Answer]:
        """Groups that have ended, as soon as there is one, or none after so many seconds."""
        found: list[Answer] = []
        with suppress(queue.Empty):
            worker, fault = self._answers.get(timeout=seconds)
            found += self._ended(worker, fault)
        self._start()
        return found

    def stop(self) -> None:
        """Have what is trained now saved, and all processes end."""
        self._stopping = True
        self._waiting.clear()
        for worker in self._busy:
            worker.stop()
        while self._busy:
            self._ended(*self._answers.get())
        self.close()

    def close(self) -> None:
        """End all processes."""
        for worker in [*self._idle, *self._busy]:
            worker.close()
        self._idle, self._busy = [], []

    def _start(self) -> None:
        """Start what there are cores for."""
        while self._waiting and self._cores(self._waiting[0]) <= self._free():
            group = self._waiting.popleft()
            worker = self._worker(self._groups[group].kind)
            self._busy.append(worker)
            worker.ask(group)
            threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _worker(self, kind: str) -> Worker:
        """A process of this kind that has nothing to do; those of another kind make room."""
        for worker in [each for each in self._idle if each.kind != kind]:
            self._idle.remove(worker)
            worker.close()
        return self._idle.pop() if self._idle else Worker(self._folder, kind, self._environment)

    def _listen(self, worker: Worker) -> None:
        self._answers.put((worker, worker.answer()))

    def _ended(self, worker: Worker, fault: str | None) -> list[Answer]:
        self._busy.remove(worker)
        group = worker.group
        assert group is not None
        if fault is not None and not self._stopping:
            self._idle.append(worker)
            return [(group, fault)]
        how = worker.end() if fault is None else ""
        worker.close()
        self._tries[group] = self._tries.get(group, 0) + 1
        if self._stopping:
            return []
        if self._tries[group] <= RETRIES:
            self._waiting.appendleft(group)
            return []
        return [(group, f"its process ended {RETRIES + 1} times ({how})")]

    def _cores(self, group: int) -> int:
        return usable_cores() if self._groups[group].engine == "compiled" else 1

    def _free(self) -> int:
        return usable_cores() - sum(self._cores(worker.group) for worker in self._busy if worker.group is not None)


def trained(folder: str, kind: str, group: int, environment: Mapping[str, str]) -> str:
    """Train one group in a process of this machine, and say what went wrong: what other executors call elsewhere."""
    worker = Worker(Path(folder), kind, environment)
    try:
        worker.ask(group)
        fault = worker.answer()
        return f"its process ended ({worker.end()})" if fault is None else fault
    except BaseException:  # it is called off, and saves what was done
        worker.stop()
        raise
    finally:
        worker.close()
