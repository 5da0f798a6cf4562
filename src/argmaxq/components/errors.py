"""Mistakes that a user can mend."""


class UserError(ValueError):
    """A mistake a user can mend; its text is one clear line and the command line prints nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))  # one line, whatever values it quotes
