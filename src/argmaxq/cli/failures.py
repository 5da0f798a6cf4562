"""What is said of an exception that nobody foresaw."""

import os

from argmaxq.components.errors import printable
from argmaxq.lanes import faults

WHOLE = "ARGMAXQ_TRACEBACK"
"""An environment variable: set, every exception is shown with its whole traceback."""


def wanted() -> bool:
    """Whether the user asks for whole tracebacks."""
    return bool(os.environ.get(WHOLE))


def told(error: BaseException) -> str:
    """What happened, in whose code and where, in one line."""
    whose = "the environment raised " if faults.from_environment(error) else ""
    said = "; ".join([whose + faults.told(error), *getattr(error, "__notes__", [])])
    return f"argmaxq: {printable(said)}; {WHOLE}=1 shows the whole way there"
