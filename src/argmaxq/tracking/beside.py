"""The process beside a training that feeds one tracker until the training ends; see ``verbs.tracking``."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.interrupts import INTERRUPTIONS
from argmaxq.runs.checkpoint_files import DamagedCheckpoint
from argmaxq.runs.lock import InUse, locked
from argmaxq.runs.trust import shun
from argmaxq.trackers.named import making
from argmaxq.tracking.feeder import Feeder, Say
from argmaxq.verbs.run import Run
from argmaxq.verbs.tracking import Tracking, again, folder_of

POLL = 2.0
"""Seconds between two looks at the folder; more where a look takes long."""
SHARE = 0.1
"""Of its time at most that looking takes."""
ARTIFACTS = 300.0
"""Seconds between two looks for new policies, which are large."""
MISSES = 3
"""Looks one after another at which a checkpoint is just being replaced, which takes a moment."""
NICE = 10
"""By which it stands back behind training."""


def main(told: Mapping[str, Any]) -> None:
    """Feed the tracker that a training ``told`` of, until it closes standard input or is no more."""
    said = _channel()
    ended = threading.Event()
    threading.Thread(target=_await_end, args=(ended, told["patience"]), daemon=True).start()
    tracking = Tracking(told["to"], told["films"], told["offline"], told["patience"])
    run = Run(told["run"], trust=told["trusted"])
    shun(run.path)
    with suppress(OSError, AttributeError):  # not on Windows
        os.nice(NICE)
    try:
        _feed(run, tracking, ended, lambda text: said("say", text))
    except INTERRUPTIONS:
        raise
    except Exception as problem:
        text = str(problem) if isinstance(problem, UserError) else f"{type(problem).__name__}: {problem}"
        said("warn", f"{text}; {again(run, tracking)}")


def _feed(run: Run, tracking: Tracking, ended: threading.Event, say: Say) -> None:
    """Feed, once nobody else does: a training that was killed may still be sent."""
    made, folder = making(tracking.to), folder_of(run.path, tracking.to)
    while True:
        try:
            with locked(folder):
                _follow(Feeder(run, tracking, made, say), run, ended)
                return
        except InUse:
            ended.wait(POLL)


def _follow(feeder: Feeder, run: Run, ended: threading.Event) -> None:
    """Look at the folder until the training ends, and once more."""
    sent_at, over, missed = time.monotonic(), False, 0
    try:
        feeder.begin()
        while not over:
            over, begin = ended.is_set(), time.monotonic()
            try:
                feeder.send(ended=over)
                if over or begin - sent_at >= ARTIFACTS:
                    feeder.artifacts()
                    sent_at = begin
                missed = 0
            except DamagedCheckpoint:  # it was just being replaced
                missed += 1
                if over or missed > MISSES:
                    raise
            if not over:
                ended.wait(max(POLL, (time.monotonic() - begin) / SHARE))
        if run.summary.get("finished"):
            feeder.shown()
    except BaseException:
        feeder.leave()
        raise
    feeder.close()


def _await_end(ended: threading.Event, patience: float) -> None:
    """Note the end of standard input; a tracker that hangs after it does not outlive it by long."""
    while os.read(0, 1):  # not sys.stdin's own buffer, whose lock a thread may not hold where Python ends
        pass
    ended.set()
    time.sleep(patience + POLL)
    os._exit(1)


def _channel() -> Callable[[str, str], None]:
    """What says a line to the training; whatever else is printed in this process goes to the log."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(kind: str, text: str) -> None:
        with suppress(OSError):  # nobody listens any more
            print(kind, " ".join(text.split()), file=lines, flush=True)

    return say
