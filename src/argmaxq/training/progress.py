"""Showing how a run goes: a bar on a terminal or in a notebook, plain lines elsewhere, or nothing."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np

from argmaxq.runs.track import Track
from argmaxq.training.in_notebook import Cell, in_notebook
from argmaxq.training.speed import START, Done, Speed, describe, short


class Progress(Protocol):
    """Told by a training loop at the end of each block; a context manager that leaves the terminal tidy."""

    def update(self, done: Done, values: Mapping[str, float]) -> None:
        """So much is done; ``values`` are shown as they are named, such as return and epsilon."""

    def say(self, text: str) -> None:
        """A line of its own, above the bar."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *problem: object) -> None: ...


def progress(total_steps: int, quiet: bool = False, start: Done = START) -> Progress:
    """The display that suits the output: none when ``quiet``, a bar on a terminal or in a notebook, lines otherwise.

    ``total_steps`` are each seed's. ``start`` is what a resumed run goes on from, so that speed and time left count
    only what is done now.
    """
    if quiet:
        return Silent()
    if in_notebook():
        return Cell(total_steps, start)
    return Bar(total_steps, start) if sys.stdout.isatty() else Lines(total_steps, start)


class Silent:
    """Shows nothing; what is said goes nowhere."""

    def update(self, done: Done, values: Mapping[str, float]) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        pass


class Lines:
    """A line every ``interval`` seconds and one at the end, for logs and pipes."""

    def __init__(
        self,
        total_steps: int,
        start: Done = START,
        interval: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._interval, self._now = total_steps, interval, now
        self._speed = Speed(start, now())
        self._shown_at = now()
        self._waiting: str | None = None

    def update(self, done: Done, values: Mapping[str, float]) -> None:
        now = self._now()
        self._speed.add(done, now)
        share = f"{done.step:>{len(str(self._total))}}/{self._total} steps"
        self._waiting = "  ".join([share, *self._speed.describe(self._total), *describe(values)])
        if now - self._shown_at >= self._interval:
            self._show(now)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._waiting is not None:
            self._show(self._now())

    def _show(self, now: float) -> None:
        print(self._waiting, flush=True)
        self._waiting, self._shown_at = None, now


class Bar:
    """A bar at the foot of the terminal. ``console`` is a ``rich.console.Console``, standard output's by default."""

    def __init__(self, total_steps: int, start: Done = START, console: Any = None) -> None:
        from rich.progress import BarColumn, TextColumn  # rich takes a while to import, and only a terminal needs it
        from rich.progress import Progress as RichProgress

        columns = (BarColumn(bar_width=16), TextColumn("{task.fields[note]}"))
        self._bar = RichProgress(*columns, console=console, refresh_per_second=4)
        self._total, self._speed = total_steps, Speed(start, time.monotonic())
        self._task = self._bar.add_task("", total=total_steps, completed=start.step, note="starting")

    def update(self, done: Done, values: Mapping[str, float]) -> None:
        self._speed.add(done, time.monotonic())
        note = "  ".join(
            [f"{short(done.step)}/{short(self._total)}", *self._speed.describe(self._total), *describe(values)]
        )
        self._bar.update(self._task, completed=done.step, note=note)

    def say(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._bar.stop()


def done(step: int, tracks: Sequence[Track]) -> Done:
    """What seeds that train together have done, up to this step; those that stopped did less."""
    return Done(step, sum(track.step for track in tracks))


def means(tracks: Sequence[Track]) -> dict[str, float]:
    """What is shown of seeds that train together: means over them."""
    shown = {
        "return": [track.mean_return for track in tracks if track.returns],
        "epsilon": [track.metrics["epsilon"] for track in tracks if "epsilon" in track.metrics],
        "best": [track.best["mean"] for track in tracks if track.best],
    }
    return {name: float(np.mean(values)) for name, values in shown.items() if values}
