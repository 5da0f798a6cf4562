"""The run that a command names, and what its user vouches for."""

import contextlib
from argparse import Namespace as Options
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.reporting.text import environment
from argmaxq.runs.trust import ENVIRONMENT, beside, module_of, shun
from argmaxq.verbs.run import Run


def opened(options: Options, path: str | None = None) -> Run:
    """The run that was named, or that of ``path``.

    The current folder is on Python's path where the run may have a module imported.
    """
    named = options.run if path is None else path
    folder = Path(named)
    try:
        shun(folder)
    except ValueError as error:  # a name that holds what no name can, such as a null byte
        raise UserError(f"{named!r} is no run folder: {error}") from None
    run = Run(folder, vouched(options), options.trust)
    if options.env and options.env != (made := environment(run.config)):
        raise UserError(f"--env {options.env}: {run.path} was trained on {made}")
    with contextlib.suppress(UserError):  # which whoever needs its recipe raises again
        if run.imports():
            beside(folder)
    return run


def vouched(options: Options) -> dict[str, str]:
    """The environment that the user names, which is trusted for that."""
    return {ENVIRONMENT: options.env} if options.env and module_of(options.env) else {}
