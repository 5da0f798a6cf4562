"""The verb ``track``: a run, or every run of a study, sent to a tracker afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from argmaxq.runs.lock import locked
from argmaxq.studies.entries import begun
from argmaxq.studies.folder import is_study
from argmaxq.studies.study import Study
from argmaxq.trackers.named import Making, checked, making
from argmaxq.tracking.feeder import Feeder, Say
from argmaxq.verbs.run import Run
from argmaxq.verbs.tracking import Tracking, folder_of


def silent(text: str) -> None:
    """Say nothing."""


def track(
    run: Run | Study | str | Path,
    to: str | Making | Tracking,
    *,
    trust: bool = False,
    say: Say = silent,
) -> None:
    """Send a run, or every run of a study, to a tracker: what it was not sent before.

    Args:
        run: It, or its folder.
        to: ``wandb``, ``tensorboard``, ``mlflow``, ``trackio``, ``module:Class``, a class of one's own, or a
            ``Tracking``, which also says how.
        trust: Whether modules that a folder names may be imported, which films need where its environment is of one.
        say: Is told where it can be looked at.

    Raises:
        UserError: there is no such run or tracker, another process feeds it, or it failed; then what it was sent is
            known, and the same call goes on from there.
    """
    tracking, made = _chosen(to)
    for each in _runs(run, trust):
        feed(each, tracking, made, say)


def feed(run: Run, tracking: Tracking, made: Making, say: Say) -> None:
    """Send all of one run that is new; raises UserError as ``track``."""
    with locked(folder_of(run.path, tracking.to)):
        feeder = Feeder(run, tracking, made, say)
        try:
            feeder.send(ended=True)
            feeder.artifacts()
            feeder.shown()
        except BaseException:
            feeder.leave()
            raise
        if feeder.idle:
            say(f"{tracking.to} has all of {run.path} already")
        feeder.close()


def _chosen(to: str | Making | Tracking) -> tuple[Tracking, Making]:
    """How to track, and what makes trackers."""
    if isinstance(to, str | Tracking):
        tracking = Tracking(to) if isinstance(to, str) else to
        return tracking, making(tracking.to)
    name = f"{getattr(to, '__module__', '')}:{getattr(to, '__qualname__', '')}"
    return Tracking(name), checked(to, name)


def _runs(run: Any, trust: bool) -> Iterator[Run]:
    """The run itself, or every one of a study that has begun, the seeds of a setting as one."""
    if isinstance(run, Run):
        yield run
        return
    if not isinstance(run, Study) and not is_study(run):
        yield Run(run, trust=trust)
        return
    study = run if isinstance(run, Study) else Study(run, trust)
    several = len(study.seeds) > 1
    for folders in study.folders().values():
        if any(map(begun, folders)):
            yield Run(folders[0].parent if several else folders[0], trust=trust)
