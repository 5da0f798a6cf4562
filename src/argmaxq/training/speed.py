"""How much is done, and how fast: what every display of progress tells."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple


class Done(NamedTuple):
    """Env steps done, over all lanes: by each seed that goes on, and by all seeds together."""

    step: int
    together: int


START = Done(0, 0)


class Speed:
    """Env steps of all lanes and seeds per second of wall clock, over about the last ``window`` seconds, and time left.

    Evaluations, checkpoints and compilation take their share of the clock, as in a run's summary.
    """

    def __init__(self, start: Done, now: float, window: float = 20.0) -> None:
        self._window = window
        self._marks = deque([(now, start)])

    def add(self, done: Done, now: float) -> None:
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - self._window:
            self._marks.popleft()

    def describe(self, total: int) -> list[str]:
        (then, first), (now, last) = self._marks[0], self._marks[-1]
        if now <= then or last.step <= first.step:
            return []
        rate, left = (last.together - first.together) / (now - then), total - last.step
        return [f"{short(rate)} steps/s", f"{_clock(left * (now - then) / (last.step - first.step))} left"]


def describe(values: Mapping[str, float]) -> list[str]:
    """``{"return": 181.23}`` -> ``["return 181.2"]``."""
    return [f"{name} {value:.4g}" for name, value in values.items()]


def short(number: float) -> str:
    """``12_345`` -> ``12.3k``."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
