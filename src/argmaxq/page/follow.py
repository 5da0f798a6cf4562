"""A page of what is being trained, a run or a study, written anew every few seconds from its folder alone."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from argmaxq.page.contents import PLAYED
from argmaxq.page.report import EVERY, report
from argmaxq.studies.study import Study
from argmaxq.verbs.run import Run

SHARE = 0.2
"""Of the time at most that goes into pages: that of a large study takes seconds."""


def follow(
    open_subject: Callable[[], Run | Study],
    out: str | Path | None = None,
    *,
    played: Collection[str] = PLAYED,
    every: float = EVERY,
    say: Callable[[str], object] = print,
) -> Path:
    """Write a run's or a study's page until that is finished, and then a last time with what is played for it.

    An open page loads itself again every few seconds and keeps its place. Where this is broken off, the page stays as
    it is and loads itself no more.

    Args:
        open_subject: Gives the run or the study, read anew.
        out: The file, .html; by default ``RUN/page.html``.
        played: As ``report``.
        every: Seconds from one page to the next, more where a page takes long.
        say: Is told of the first page.

    Raises:
        UserError: as ``report``.
    """
    subject, begun = open_subject(), time.perf_counter()
    path = report(subject, out, played=(), live=not _finished(subject))
    say(f"{path} follows {subject.path}")
    try:
        while not _finished(subject):
            time.sleep(max(every, (time.perf_counter() - begun) / SHARE))
            subject, begun = open_subject(), time.perf_counter()
            report(subject, path, played=(), live=True)
    except BaseException:
        report(subject, path, played=())
        raise
    return report(subject, path, played=played, say=say)


def _finished(subject: Run | Study) -> bool:
    return subject.finished if isinstance(subject, Study) else bool(subject.summary.get("finished"))
