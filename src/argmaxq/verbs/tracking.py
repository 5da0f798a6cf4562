"""Trackers beside a training: each is fed by a process of its own, from the run's folder alone.

So whatever a tracker does, it neither slows training nor ends it. That process ends when this one closes its input,
or is no more.
"""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TypeAlias

from argmaxq.components.errors import UserError, warn
from argmaxq.runs.files.writing import Unwritable, open_own, own_folder
from argmaxq.runs.trust import check_place, module_of
from argmaxq.trackers.named import making
from argmaxq.verbs.run import Run

TRACKING, LOG = "tracking", "log.txt"
"""The folder in a run's in which each tracker has one of its own, and what its libraries print while it trains."""
PATIENCE, PARTING = 300.0, 15.0
"""Seconds that a finished training waits for a tracker to take the rest, and one that was interrupted."""
HEADLESS = {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
"""Environment variables with which films need no display."""
START = """
import json, sys
told = json.loads(sys.stdin.readline())
sys.path[:] = told["path"]
from argmaxq.tracking.beside import main
main(told)
"""


@dataclasses.dataclass(frozen=True)
class Tracking:
    """How a run is tracked.

    Attributes:
        to: The tracker: ``wandb``, ``tensorboard``, ``mlflow``, ``trackio``, or ``module:Class`` of one's own.
        films: Env steps between two films of a test episode of the first seed; 0 for none. By default there is one,
            of the best policy, when the run is finished.
        offline: Whether nothing is sent from this machine: wandb then writes files, to be sent by ``wandb sync``.
        patience: Seconds that a finished training waits for the tracker.
    """

    to: str
    films: int | None = None
    offline: bool = False
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        if not isinstance(self.to, str):
            raise UserError(
                f"a tracker is named, such as 'wandb' or 'module:Class', and {self.to!r:.60} is no name: one that only "
                "this process has is fed afterwards, by aq.track(run, to=...)"
            )
        if self.films is not None and self.films < 0:
            raise UserError(f"films = {self.films}: env steps between two films, so at least 0")


TrackingLike: TypeAlias = str | Tracking | Sequence[str | Tracking]


def trackings(given: TrackingLike) -> list[Tracking]:
    """All trackers that were named, checked.

    Raises:
        UserError: there is no such tracker, or it is not installed, or it is named twice.
    """
    listed = [given] if isinstance(given, str | Tracking) else list(given)
    found = [each if isinstance(each, Tracking) else Tracking(each) for each in listed]
    names = [each.to for each in found]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UserError(f"the tracker {name} is named twice")
        making(name)
    return found


def folder_of(run: Path, tracker: str) -> Path:
    """A tracker's own folder in a run's, made unless it is there; raises Unwritable."""
    return own_folder(own_folder(run / TRACKING) / re.sub(r"[^\w.-]", ".", tracker))


@contextlib.contextmanager
def tracked(run: Run, chosen: Sequence[Tracking], quiet: bool) -> Iterator[None]:
    """Within it the run's trackers are fed; what they cannot take is told in a line, and left for ``aq.track``."""
    beside = [found for each in chosen if (found := _started(run, each, quiet))]
    try:
        yield
    except BaseException:
        for each in beside:
            each.end(min(each.tracking.patience, PARTING))
        raise
    for each in beside:
        each.end(each.tracking.patience)


class _Beside:
    """The process that feeds one tracker."""

    def __init__(self, run: Run, tracking: Tracking, quiet: bool) -> None:
        self.tracking, self._run, self._quiet = tracking, run, quiet
        self._warnings: list[str] = []
        folder = folder_of(run.path, tracking.to)
        if module := module_of(tracking.to):
            check_place(module, run.path)
        told = {"run": str(run.path), "trusted": run.trusted, "path": sys.path, **dataclasses.asdict(tracking)}
        self._log = folder / LOG
        with open_own(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=HEADLESS | os.environ | {"JAX_PLATFORMS": "cpu"},  # an accelerator is the training's
                start_new_session=True,  # Ctrl-C is for the training, which ends it in time
            )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.flush()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, lines: IO[bytes]) -> None:
        """Take what it says: warnings, and lines for who watches."""
        with lines:
            for line in lines:
                kind, _, text = line.decode(errors="replace").rstrip().partition(" ")
                if kind == "warn":
                    self._warn(text)
                elif not self._quiet:
                    print(text, flush=True)

    def _warn(self, text: str) -> None:
        """Warn at once where someone watches; else when training is over, in the thread that asked for it."""
        self._warnings.append(text)
        if not self._quiet:
            print(text, flush=True)

    def end(self, patience: float) -> None:
        """Have it send the rest, and end; after ``patience`` seconds end it."""
        assert self._process.stdin is not None
        name, rest = self.tracking.to, again(self._run, self.tracking)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._warn(f"{name} has not taken all within {patience:g} s and was left; {rest}")
        finally:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)
        if self._process.returncode and not self._warnings:
            self._warn(f"{name} ended with {self._process.returncode}, see {self._log}; {rest}")
        for text in self._warnings if self._quiet else []:
            warn(text)


def _started(run: Run, tracking: Tracking, quiet: bool) -> _Beside | None:
    """The process beside a training, or None where it cannot be started, which is told."""
    try:
        return _Beside(run, tracking, quiet)
    except (OSError, Unwritable) as problem:
        text = f"{tracking.to} is not fed: {problem}; {again(run, tracking)}"
        warn(text) if quiet else print(text, flush=True)
        return None


def again(run: Run, tracking: Tracking) -> str:
    """What sends the rest later."""
    offline = " --offline" if tracking.offline else ""
    return f"argmaxq track {run.path} --to {tracking.to}{offline} sends what is missing"
