"""How much to ask of a program in one call, so that signals are looked at between two of them."""

SECONDS = 0.5
"""What a call is to take at most."""
GROWTH = 16
"""The most that a call is asked for, compared to the one before it."""


class Pace:
    """Steps for the next call: few at first, which may have to compile, then as many as take about ``SECONDS``.

    It follows the clock, so it may only be used where results do not depend on how steps are divided into calls.
    """

    def __init__(self) -> None:
        self.steps = 1

    def took(self, steps: int, seconds: float) -> None:
        """A call of at most ``self.steps`` steps took so long."""
        possible = int(steps * SECONDS / max(seconds, 1e-6))
        if possible < steps:
            self.steps = max(possible, 1)
        elif steps == self.steps:
            self.steps = min(possible, GROWTH * steps)
