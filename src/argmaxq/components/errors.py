"""Mistakes that a user can mend."""


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(" ".join(text.split())))  # one line, whatever values it quotes


def printable(text: str) -> str:
    """Text with what a terminal might obey, or cannot print, written as an escape sequence."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
