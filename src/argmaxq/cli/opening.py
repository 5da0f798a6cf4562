"""The run that a command names, and what its user vouches for."""

import contextlib
from argparse import Namespace as Options
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.reporting.text import environment
from argmaxq.runs.trust import ENVIRONMENT, beside, module_of, shun
from argmaxq.verbs.run import Run


def opened(options: Options) -> Run:
    """The run that was named, with the current folder on Python's path where the run may have a module imported."""
    folder = Path(options.run)
    shun(folder)
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
