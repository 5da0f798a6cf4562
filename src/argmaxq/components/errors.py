"""Mistakes that a user can mend, and warnings of what he may not want."""

import sys
import warnings

OURS = ("argmaxq", "contextlib")
"""Packages whose frames a warning does not point to."""


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(" ".join(text.split())))  # one line, whatever values it quotes


def printable(text: str) -> str:
    """Text with what a terminal might obey, or cannot print, written as an escape sequence."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def warn(text: str) -> None:
    """Warn, with the line of the user's own program that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)
