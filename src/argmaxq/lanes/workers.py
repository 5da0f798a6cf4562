"""Copies of an environment in worker processes, for environments that are slow."""

import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, BinaryIO, cast

import cloudpickle
import gymnasium as gym

from argmaxq.components.errors import UserError
from argmaxq.lanes.copies import Answers, Call, Make
from argmaxq.lanes.hybrid import Choices
from argmaxq.lanes.masks import Mask
from argmaxq.lanes.nursery import GRACE
from argmaxq.lanes.room import Room, shared
from argmaxq.spaces import Spaces

MOST = 32
"""Processes at most; they share the copies if these are more."""
START = """
import json, sys
sys.path[:], ends, shared = json.loads(sys.argv[1])
from argmaxq.lanes.nursery import main
main(ends, shared)
"""


def forks() -> bool:
    """Whether the system has such processes; Windows does not."""
    return hasattr(os, "fork")


class Workers:
    """Copies in as many as ``processes`` processes, which start when they are first asked; see ``Copies``.

    What a copy does, and so every bit of it, is as in this process. Large observations are left in memory that is
    shared. Copy i lives in process i modulo their number.
    A process lost, or an environment's exception, is a UserError; all processes end with ``close``, with this object,
    or with this process, however that ends.

    Args:
        make: Makes an environment; it is sent, with the functions and classes that no module holds, by ``cloudpickle``.
        processes: How many copies may be busy at the same time.
        choices: Values of parameters that make parameterised actions discrete ones.
        mask: Where the environment tells which actions are allowed.

    ``spaces`` and ``ask`` raise UserError also where ``make`` cannot be sent, or the system has no such processes.
    """

    def __init__(self, make: Make, processes: int, choices: Choices = (), mask: Mask = "none") -> None:
        self._make, self._processes = make, min(processes, MOST)
        self._read: tuple[Choices, Mask] = choices, mask
        self._workers: list[Connection] = []
        self._number = 0
        self._spaces: Spaces | None = None
        self._room: Room | None = None

    @property
    def spaces(self) -> Spaces:
        """What an agent sees of the copies."""
        if self._spaces is None:
            (self._spaces,) = self._collect(self._post({0: None}), [0])
        return self._spaces

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Do the calls, those of different processes at the same time; returns their answers in order."""
        return self.send(calls)()

    def send(self, calls: Sequence[Call]) -> Answers:
        """The same without waiting; see ``Copies``."""
        room = self._opened_room()
        shares: dict[int, list[int]] = {}
        for place, (copy, _, _) in enumerate(calls):
            shares.setdefault(copy % self._processes, []).append(place)
        number = self._post({worker: [calls[place] for place in places] for worker, places in shares.items()})

        def answers() -> list[Any]:
            found: list[Any] = [None] * len(calls)
            for places, own in zip(shares.values(), self._collect(number, shares), strict=True):
                for place, answer in zip(places, own, strict=True):
                    found[place] = room.taken(calls[place][0], answer)
            return found

        return answers

    def close(self) -> None:
        """End all processes, killing those that do not close their environments within some seconds."""
        if self._workers:
            self._end()
            self._workers, self._room = [], None

    def _opened_room(self) -> Room:
        """Where large observations are left."""
        if self._room is None:
            spaces = self.spaces
            self._start()
            self._room = Room(spaces, self._file.fileno())
        return self._room

    def _start(self) -> None:
        if self._workers:
            return
        if not forks():
            raise UserError("env.backend = 'processes' needs Linux or macOS: leave it out here")
        parcel = _packed(self._make, *self._read)
        self._file = shared()
        control, theirs = Pipe()
        pairs = [Pipe() for _ in range(self._processes)]
        ends = [theirs, *(end for _, end in pairs)]
        numbers, file = [end.fileno() for end in ends], self._file.fileno()
        process = subprocess.Popen(
            # -P: nothing is imported from the current folder unless this process does so, too.
            [sys.executable, "-P", "-c", START, json.dumps([sys.path, numbers, file])],
            pass_fds=[*numbers, file],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is this process's to obey
            env=os.environ | {"JAX_PLATFORMS": "cpu"},  # accelerators are the agent's
        )
        for end in ends:
            end.close()
        self._control, self._workers = control, [own for own, _ in pairs]
        self._end = weakref.finalize(self, _ended, process, [control, *self._workers, self._file])
        with suppress(OSError):  # what has gone wrong there, missing answers will tell
            control.send_bytes(parcel)

    def _post(self, requests: dict[int, Any]) -> int:
        """Send a request to each of some workers; returns its number."""
        self._start()
        self._number += 1
        for worker, request in requests.items():
            with suppress(OSError):  # it is gone, as the missing answer will tell
                self._workers[worker].send((self._number, request))
        return self._number

    def _collect(self, number: int, workers: Iterable[int]) -> list[Any]:
        """Wait for some workers' answers to a request."""
        faults: list[str] = []
        answers: list[Any] = []
        for worker in workers:
            fault, answer = self._received(worker, number)
            answers.append(answer)
            faults += [fault] if fault else []
        if faults:
            raise UserError(faults[0])
        return answers

    def _received(self, worker: int, wanted: int) -> tuple[str, Any]:
        """The answer to a request; those to older ones are left from where an exception came between."""
        try:
            while True:
                number, fault, answer = self._workers[worker].recv()
                if number == wanted:
                    return fault, answer
        except (EOFError, OSError):
            return self._fate(worker), None

    def _fate(self, worker: int) -> str:
        """How a worker ended that no longer answers."""
        status: Any = None
        with suppress(EOFError, OSError):
            self._control.send(worker)
            status = self._control.recv()
        how = f"ended with exit code {status}"
        if status is None:
            how = "is gone"
        elif status < 0:
            short = " (the system does that where memory is short)" if -status == signal.SIGKILL else ""
            how = f"was ended by {signal.Signals(-status).name}{short}"
        return f"the process of environment {worker} {how}"


def _packed(make: Make, choices: Choices, mask: Mask) -> bytes:
    """The maker as bytes, with the registered environments that no module there would register."""
    try:
        return cast(bytes, cloudpickle.dumps((make, choices, mask, _own_specs())))
    except Exception as error:
        told = " ".join(str(error).split())
        raise UserError(
            f"the environment cannot be sent to another process ({type(error).__name__}: {told}): let what makes it "
            "open files, windows and the like itself, instead of holding them"
        ) from error


def _own_specs() -> dict[str, Any]:
    """What this program has registered beside Gymnasium's own environments, as far as it can be sent."""
    others = {id: spec for id, spec in gym.registry.items() if not str(spec.entry_point).startswith("gymnasium.")}
    return {id: spec for id, spec in others.items() if _sendable(spec)}


def _sendable(value: Any) -> bool:
    with suppress(Exception):
        cloudpickle.dumps(value)
        return True
    return False


def _ended(process: "subprocess.Popen[bytes]", connections: list[Connection | BinaryIO]) -> None:
    for connection in connections:
        connection.close()
    try:
        process.wait(GRACE + 2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
