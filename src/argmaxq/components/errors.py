"""Mistakes that a user can mend, and warnings."""

import contextlib
import sys
import warnings
from pathlib import Path

OURS = (str(Path(__file__).parents[1]), contextlib.__file__)
"""Where this package's own lines stand, and those of the context managers between them."""
LONGEST = 200
"""Letters of a word that is quoted whole."""


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(" ".join(map(_shortened, text.split()))))  # one line, whatever values it quotes


def warn(text: str) -> None:
    """Warn with the line of the user's program that called into this package, however deep in it this is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OURS):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def _shortened(word: str) -> str:
    """A word of which nobody would read the middle without it."""
    return word if len(word) <= LONGEST else f"{word[: LONGEST // 2]}...{word[-LONGEST // 3 :]}"


def told(fault: BaseException) -> str:
    """What went wrong in code that is not ours, in a line: the kind of error, and the first line of its text."""
    return ": ".join([type(fault).__name__, *str(fault).strip().splitlines()[:1]])


def printable(text: str) -> str:
    """Text with what a terminal might obey, or cannot print, written as an escape sequence."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
