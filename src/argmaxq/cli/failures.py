"""What is said of an exception that nobody foresaw: a line, and what a user's own code did before it."""

import os
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from argmaxq.components.errors import OURS, printable
from argmaxq.lanes.faults import from_environment

WHOLE = "ARGMAXQ_TRACEBACK"
"""An environment variable: set, every exception is shown with its whole traceback."""
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def wanted() -> bool:
    """Whether the user asks for whole tracebacks."""
    return bool(os.environ.get(WHOLE))


def told(error: BaseException) -> str:
    """What happened and where, in one line; where it happened in the user's own code, its traceback from there on."""
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}, line {where[-1].lineno})" if where else ""
    what = " ".join(filter(None, [f"{type(error).__name__}:", *str(error).split()])).removesuffix(":")
    what = f"the environment raised {what}" if from_environment(error) else what
    line = f"argmaxq: {printable(what)}{place}; {WHOLE}=1 shows the whole way there"
    own = _own(error.__traceback__)
    return line if own is None else "".join(["Traceback of your own code:\n", *traceback.format_tb(own), line])


def _own(trace: TracebackType | None) -> TracebackType | None:
    """From the first frame of a user's code on: none of ours, of Python's, or of an installed package."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((*OURS, *_LIBRARIES, "<")) and file.endswith(".py"):
            return trace
        trace = trace.tb_next
    return None
