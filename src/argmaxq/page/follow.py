"""A page of a run that is being trained, written anew every few seconds from the run's folder alone."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from argmaxq.page.contents import PLAYED
from argmaxq.page.report import EVERY, report
from argmaxq.verbs.run import Run


def follow(
    open_run: Callable[[], Run],
    out: str | Path | None = None,
    *,
    played: Collection[str] = PLAYED,
    every: float = EVERY,
    say: Callable[[str], object] = print,
) -> Path:
    """Write a run's page until the run is finished, and then a last time with what is played for it.

    An open page loads itself again every few seconds and keeps its place. Where this is broken off, the page stays as
    it is and loads itself no more.

    Args:
        open_run: Gives the run, read anew.
        out: The file, .html; by default ``RUN/page.html``.
        played: As ``report``.
        every: Seconds from one page to the next.
        say: Is told of the first page.

    Raises:
        UserError: as ``report``.
    """
    run = open_run()
    path = report(run, out, played=(), live=not run.summary.get("finished"))
    say(f"{path} follows {run.path}")
    try:
        while not run.summary.get("finished"):
            time.sleep(every)
            run = open_run()
            report(run, path, played=(), live=True)
    except BaseException:
        report(run, path, played=())
        raise
    return report(run, path, played=played, say=say)
