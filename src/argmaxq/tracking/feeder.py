"""What is new in a run's folder, sent to a tracker: one tracked run for each seed, all in one group."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

from argmaxq.components.errors import UserError, told
from argmaxq.environments.drawn import drawable
from argmaxq.page.report import report
from argmaxq.runs.slim import slim
from argmaxq.runs.track import BEST, CHECKPOINTS, DIVERGED, LAST
from argmaxq.trackers.named import Making
from argmaxq.trackers.tracker import BEST as BEST_ALIAS
from argmaxq.trackers.tracker import FAILED, FINISHED, LATEST, STOPPED, Tracker
from argmaxq.tracking.described import described, name_of
from argmaxq.tracking.rows import EVALUATIONS, METRICS, rows
from argmaxq.tracking.sent import NOTHING, Sent
from argmaxq.verbs.run import Run
from argmaxq.verbs.tracking import Tracking, folder_of
from argmaxq.visualisation.watch import watch

P = ParamSpec("P")
T = TypeVar("T")
Say = Callable[[str], object]
SHOWN = 240
"""Letters of what a tracker raised that are quoted."""
FILM, BEST_FILM, PAGE = "film", "film/best", "report"


class Failed(UserError):
    """What a tracker raised, in a line."""


class Feeder:
    """Feeds one tracker with what is new in a run's folder.

    Args:
        run: The run.
        tracking: Where to, and what.
        making: What makes trackers.
        say: Is told where it can be looked at, and what cannot be shown.
    """

    def __init__(self, run: Run, tracking: Tracking, making: Making, say: Say) -> None:
        self._run, self._tracking, self._making, self._say = run, tracking, making, say
        self._folder = folder_of(run.path, tracking.to)
        self._sent = Sent(self._folder)
        self._open: dict[int, Tracker] = {}
        self._drawn = tracking.films != 0

    def begin(self) -> None:
        """Open what the first seed is tracked by, before anything is recorded; raises Failed."""
        self._tracker(self._first)

    def send(self, ended: bool = False) -> None:
        """Send new numbers, and a film of the latest policy where one is due.

        Raises:
            Failed: the tracker raised something.
            UserError: a record is damaged, or what was sent cannot be noted.
        """
        for part in self._parts():
            self._rows(part, ended)
        if self._tracking.films:
            first = self._first
            step = _step(first, LAST)
            if step // self._tracking.films > max(self._sent.upto(first.seeds[0], FILM), 0) // self._tracking.films:
                self._film(first, LAST, FILM, step)

    def artifacts(self) -> None:
        """Send each seed's best and latest policy, where they are new; raises as ``send``."""
        for part in self._parts():
            seed, best, last = part.seeds[0], _step(part, BEST), _step(part, LAST)
            new = best > self._sent.upto(seed, BEST)
            if new:
                self._artifact(part, BEST, [BEST_ALIAS, LATEST] if best == last else [BEST_ALIAS])
                self._sent.note(seed, BEST, best)
            if last > self._sent.upto(seed, LAST) or new:
                if best != last:
                    self._artifact(part, LAST, [LATEST])
                self._sent.note(seed, LAST, last)

    def shown(self) -> None:
        """Send a film of the first seed's best policy, and the report page, where they are new; raises as ``send``."""
        first = self._first
        seed, best = first.seeds[0], _step(first, BEST)
        if best > self._sent.upto(seed, BEST_FILM):
            self._film(first, BEST, BEST_FILM, best)
        step = self._sent.upto(seed, METRICS)
        if step > self._sent.upto(seed, PAGE):
            self._page(first, step)

    @property
    def idle(self) -> bool:
        """Whether there was nothing to send."""
        return not self._open

    def close(self) -> None:
        """Close what was opened, as the run stands now; raises Failed."""
        summary = self._run.summary
        stopped = [seed["stopped"] for seed in summary.get("seeds", [])]
        status = FINISHED if summary.get("finished") else FAILED if DIVERGED in stopped else STOPPED
        open_, self._open = self._open, {}
        for tracker in open_.values():
            self._guarded(tracker.close, status)

    def leave(self) -> None:
        """Close what was opened after a failure, whatever comes of it."""
        open_, self._open = self._open, {}
        for tracker in open_.values():
            with contextlib.suppress(Exception):
                tracker.close(STOPPED)

    @property
    def _first(self) -> Run:
        return self._run.parts[0]

    def _parts(self) -> list[Run]:
        """The seeds of which anything is recorded."""
        return [part for part in self._run.parts if (part.path / f"{METRICS}.jsonl").exists()]

    def _tracker(self, part: Run) -> Tracker:
        """The tracker of a seed, opened."""
        seed = part.seeds[0]
        if seed not in self._open:
            made = self._guarded(self._making)
            about = described(self._run, part, self._folder, self._sent.knows(seed), self._tracking.offline)
            where = self._guarded(made.open, about)
            self._open[seed] = made
            if where and len(self._open) == 1:
                self._say(f"{self._tracking.to}: {where}")
        return self._open[seed]

    def _rows(self, part: Run, ended: bool) -> None:
        """New numbers. Each is noted before it is sent: a kill between loses one, and nothing is there twice."""
        seed = part.seeds[0]
        known = {kind: self._sent.upto(seed, kind) for kind in (METRICS, EVALUATIONS)}
        for row in rows(part.path, known[METRICS], known[EVALUATIONS], ended):
            tracker, before = self._tracker(part), self._sent.upto(seed, row.kind)
            self._sent.note(seed, row.kind, row.step)
            try:
                self._guarded(tracker.log, row.values, row.step)
            except Failed:
                self._sent.note(seed, row.kind, before)
                raise

    def _film(self, part: Run, which: str, kind: str, step: int) -> None:
        """A film of one test episode; where none can be made, that is said once."""
        if not self._drawn:
            return
        with TemporaryDirectory() as scratch:
            suffix = getattr(self._making, "film", ".mp4")
            path = Path(scratch) / f"step-{step:09d}{suffix}"
            try:
                self._drawn = drawable(part.recipe.env)
                if self._drawn:
                    watch(part, path, which=which, say=lambda text: None)
            except UserError as problem:
                self._drawn = False
                self._say(f"{self._tracking.to}: no films: {problem}")
            if self._drawn:
                self._guarded(self._tracker(part).media, path, kind, step)
        self._sent.note(part.seeds[0], kind, step)

    def _page(self, first: Run, step: int) -> None:
        with TemporaryDirectory() as scratch:
            page = report(self._run, Path(scratch) / f"step-{step:09d}.html", played=())
            self._guarded(self._tracker(first).media, page, PAGE, step)
        self._sent.note(first.seeds[0], PAGE, step)

    def _artifact(self, part: Run, which: str, aliases: list[str]) -> None:
        tracker, name = self._tracker(part), name_of(self._run, part)
        with TemporaryDirectory() as scratch:
            copy = slim(part.path, Path(scratch) / name, which)
            self._guarded(tracker.artifact, copy, name, aliases)

    def _guarded(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """What a tracker's method gives; raises Failed for whatever it raises."""
        try:
            return call(*given, **named)
        except Exception as fault:
            raise Failed(f"{self._tracking.to} failed: {told(fault)[:SHOWN]}") from fault


def _step(part: Run, which: str) -> int:
    """The env step of a policy's checkpoint; -1 where there is none yet."""
    return part.step(which) if (part.path / CHECKPOINTS / which).is_dir() else NOTHING
