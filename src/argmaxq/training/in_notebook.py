"""Showing how a run goes in the output of a notebook's cell."""

import sys
import time
import uuid
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self

from argmaxq.training.speed import START, Done, Speed, describe, short


def in_notebook() -> bool:
    """Whether this process runs a notebook's cells: Jupyter's, Colab's, an editor's."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    return hasattr(ipython.get_ipython() if ipython else None, "kernel")


class Cell:
    """A bar in the output of a notebook's cell, of plain HTML: no widgets are needed, and it stays when it is saved."""

    def __init__(
        self,
        total_steps: int,
        start: Done = START,
        interval: float = 0.5,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._interval, self._now = total_steps, interval, now
        self._speed = Speed(start, now())
        self._shown_at = now()
        self._latest: tuple[int, str] = start.step, "starting"
        self._id = uuid.uuid4().hex

    def update(self, done: Done, values: Mapping[str, float]) -> None:
        now = self._now()
        self._speed.add(done, now)
        share = f"{short(done.step)}/{short(self._total)}"
        self._latest = done.step, "  ".join([share, *self._speed.describe(self._total), *describe(values)])
        if now - self._shown_at >= self._interval:
            self._shown_at = now
            self._show(update=True)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def __enter__(self) -> Self:
        self._show(update=False)
        return self

    def __exit__(self, *problem: object) -> None:
        self._show(update=True)

    def _show(self, update: bool) -> None:
        """Show the latest, in the place where it was shown before."""
        from IPython.display import display  # only a notebook has it

        step, note = self._latest
        bar = f'<progress max="{self._total}" value="{step}" style="width: 16em; vertical-align: middle"></progress>'
        bundle: Any = {"text/plain": note, "text/html": f'{bar} <code style="white-space: pre">{escape(note)}</code>'}
        display(bundle, raw=True, display_id=self._id, update=update)
