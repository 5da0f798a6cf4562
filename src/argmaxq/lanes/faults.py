"""An exception that came out of an environment, in one line that says where."""

import traceback
from pathlib import Path

from argmaxq.components.errors import OURS


def told(error: BaseException) -> str:
    """Which exception, what it says, and the line of the innermost file that is not an installed package's."""
    text = " ".join(str(error).split())
    what = type(error).__name__ + (f": {text}" if text else "")
    frames = traceback.extract_tb(error.__traceback__)
    outside = [frame for frame in frames if not frame.filename.startswith(OURS)]
    own = [frame for frame in outside if "site-packages" not in frame.filename and "<" not in frame.filename]
    if not outside:
        return what
    frame = (own or outside)[-1]
    return f"{what} ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"


def from_environment(error: BaseException) -> bool:
    """Whether an exception was raised by what an environment's functions here called: the environment itself."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    ours = [file for file in files if file.startswith(OURS[0])]
    return bool(ours) and files[-1] != ours[-1] and Path(ours[-1]).parent.name in ("environments", "lanes")
