"""The process that worker processes are forked from, and what a worker does; ``workers`` starts it.

It has one thread and never starts JAX, so that forking is safe, and its workers share the memory of all that it has
imported. It is no child of ``multiprocessing``: a worker never runs the user's main module.
"""

import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import cloudpickle
import gymnasium as gym
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.copies import LocalCopies
from argmaxq.lanes.faults import told
from argmaxq.lanes.room import Room

GRACE = 3.0
"""Seconds that environments have for closing, before their processes are killed."""


def main(ends: list[int], shared: int) -> None:
    """Serve until the other side of the first connection is closed; the other ones are the workers' own.

    ``shared`` is the descriptor of a file for observations.
    """
    control, *own = [Connection(end) for end in ends]
    try:
        parcel = control.recv_bytes()
    except EOFError:
        return
    pids = [_forked(number, control, own, parcel, shared) for number in range(len(own))]
    for connection in own:
        connection.close()
    _attend(control, pids)


def _forked(number: int, control: Connection, own: list[Connection], parcel: bytes, shared: int) -> int:
    """Fork a worker, which has only its own connection; returns its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forking, but has not been started here
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        control.close()
        for other in own[:number] + own[number + 1 :]:
            other.close()
        np.random.seed()  # which all would share, as they do what else was made before
        serve(own[number], parcel, shared)
        status = 0
    finally:
        _leave(status)


def _leave(status: int) -> NoReturn:
    """End without what the process that was forked would do at its end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(status)


def serve(connection: Connection, parcel: bytes, shared: int) -> None:
    """Answer requests (number, calls) with (number, "", answers) or (number, line, []) until nobody asks any more."""
    copies: LocalCopies | None = None
    answer: tuple[int, str, Any]
    room: Room | None = None
    for number, calls in _requests(connection):
        try:
            copies = copies or _unpacked(parcel)
            if calls is None:
                answer = number, "", copies.spaces
            else:
                given = copies.ask(calls)
                room = room or Room(copies.made[calls[0][0]].spaces, shared)
                answer = number, "", [room.put(call[0], each) for call, each in zip(calls, given, strict=True)]
        except UserError as error:
            answer = number, str(error), []
        except Exception as error:
            answer = number, told(error), []
        connection.send(answer)
    if copies is not None:
        copies.close()


def _unpacked(parcel: bytes) -> LocalCopies:
    """What ``workers`` has packed; here, because a user's module may start threads when it is imported."""
    make, choices, mask, specs = cloudpickle.loads(parcel)
    gym.registry.update(specs)
    # A module that registers its environments when it is imported does so here once more.
    warnings.filterwarnings("ignore", message=".*Overriding environment")
    return LocalCopies(make, choices, mask)


def _requests(connection: Connection) -> Iterator[Any]:
    while True:
        try:
            yield connection.recv()
        except (EOFError, ConnectionError):
            return


def _attend(control: Connection, pids: list[int]) -> None:
    """Say how a worker ended where that is asked; once nobody can ask any more, see to it that all end."""
    statuses: dict[int, int] = {}
    for number in _requests(control):
        if number not in statuses:
            statuses[number] = os.waitstatus_to_exitcode(os.waitpid(pids[number], 0)[1])
        control.send(statuses[number])
    left, until = {pid for number, pid in enumerate(pids) if number not in statuses}, time.monotonic() + GRACE
    while left and time.monotonic() < until:
        left -= {pid for pid in left if os.waitpid(pid, os.WNOHANG)[0]}
        time.sleep(0.01)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
