"""The run that a command names, where it is sent, and what its user vouches for."""

import contextlib
from argparse import Namespace as Options
from pathlib import Path
from typing import NoReturn

from argmaxq.components.errors import UserError
from argmaxq.reporting.text import environment
from argmaxq.runs import trust
from argmaxq.runs.trust import ENVIRONMENT, beside, module_of, shun
from argmaxq.studies.folder import SETTINGS, is_study
from argmaxq.studies.study import Study
from argmaxq.trackers.named import fetched
from argmaxq.tuning.folder import is_tuning, report
from argmaxq.verbs.run import Run
from argmaxq.verbs.tracking import Tracking


def opened(options: Options, path: str | None = None) -> Run:
    """The run that was named, or that of ``path``.

    The current folder is on Python's path where the run may have a module imported.

    Raises:
        UserError: it is none, or was trained on another environment than the one that the user vouches for.
    """
    run, other = opened_for(options, path)
    return run if other is None else _refuse(run, other)


def opened_for(options: Options, path: str | None = None) -> tuple[Run, str | None]:
    """The run that was named, and the environment that it is to be judged on where that is another than its own.

    Raises:
        UserError: it is none, or has to be vouched for by naming its own environment.
    """
    folder = _run_folder(options.run if path is None else path)
    run = Run(folder, vouched(options), options.trust)
    other = options.env if options.env != environment(run.config) else None
    if other and not trust.vouched(run.config):
        _refuse(run, other)
    with contextlib.suppress(UserError):  # which whoever needs its recipe raises again
        if run.imports() or module_of(other):
            beside(folder)
    return run, other


def looked_at(path: str) -> Run | Study:
    """The run or study of a folder of which only the records are read; raises UserError where it is none."""
    folder = _reported(path)
    return Study(folder) if is_study(folder) else Run(folder)


def shown(options: Options, path: str) -> Run | Study:
    """The run or study of a folder that a page shows; raises UserError as ``opened``."""
    folder = _reported(path)
    return Study(folder, options.trust) if is_study(folder) else opened(options, path)


def _reported(named: str) -> Path:
    """The folder of that name; of a tuning, the study that is its report. Raises UserError where it has none."""
    folder = _folder(named)
    return report(folder) if is_tuning(folder) else folder


def _run_folder(named: str) -> Path:
    """The folder of that name; raises UserError where it is that of a study or a tuning, and says what to name."""
    folder = _folder(named)
    if is_tuning(folder):
        raise UserError(
            f"{folder} is a tuning: name a run of its report, such as {report(folder) / SETTINGS / '000'}, "
            f"or argmaxq report {folder}"
        )
    if is_study(folder):
        raise UserError(
            f"{folder} is a study: name one of its settings, such as {folder / SETTINGS / '000'}, "
            f"or argmaxq report {folder}"
        )
    return folder


def _folder(named: str) -> Path:
    folder = fetched(named) or Path(named)
    try:
        shun(folder)
    except ValueError as error:  # a name that holds what no name can, such as a null byte
        raise UserError(f"{named!r} is no run folder: {error}") from None
    return folder


def _refuse(run: Run, other: str) -> NoReturn:
    raise UserError(f"--env {other}: {run.path} was trained on {environment(run.config)}")


def vouched(options: Options) -> dict[str, str]:
    """The environment that the user names, which is trusted for that."""
    return {ENVIRONMENT: options.env} if options.env and module_of(options.env) else {}


def trackings(options: Options) -> list[Tracking]:
    """The trackers that a training is sent to; a module of the user's own may lie in the current folder."""
    names = options.track or []
    if any(":" in name for name in names):
        beside()
    return [Tracking(name, options.track_films, options.offline) for name in names]
