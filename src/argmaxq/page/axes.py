"""Where the ticks of an axis stand and what is written at them."""

import math
from typing import NamedTuple

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MINUS = "\u2212"
SIZES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


class Scale(NamedTuple):
    """From values ``low`` to ``high`` to places ``start`` to ``end`` of a drawing; logarithmic or not."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (self._of(each) for each in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def _of(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.logarithmic else value

    def ticks(self, count: int) -> list[float]:
        """About so many round values within the scale."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            every = max(1, math.ceil((last - first + 1) / count))
            powers = [10.0**power for power in range(first, last + 1, every)]
            return powers if len(powers) > 1 else [self.low * (self.high / self.low) ** (k / 2) for k in range(3)]
        raw = (self.high - self.low) / max(count, 1)
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(each * size for each in STEPS if each * size >= raw * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def scale(low: float, high: float, start: float, end: float, logarithmic: bool = False) -> Scale:
    """A scale that also has a width where all values are one."""
    if not high > low:
        margin = 0.5 * abs(low) or 1.0
        low, high = low - margin * (not logarithmic), high + margin
    return Scale(low, high, start, end, logarithmic)


def short(value: float, every: float = 0.0) -> str:
    """A tick's text: ``20k``, ``1.5M``, ``0.01``; with decimals enough for steps of ``every``."""
    for size, letter in SIZES:
        if max(abs(value), every) >= size and abs(value) >= 1e3:
            return f"{value / size:.4g}{letter}".replace("-", MINUS)
    if 0 < abs(value) < 1e-3 and (every == 0 or every < 1e-3):
        return f"{value:.0e}".replace("e-0", "e-").replace("-", MINUS)
    text = f"{value:.{_decimals(every)}f}" if every else f"{value:.3g}"
    return text.replace("-", MINUS) if float(text) else "0"


def _decimals(every: float) -> int:
    """How many decimals values have that are ``every`` apart."""
    return next((count for count in range(8) if abs(round(every, count) - every) < 1e-6 * every), 8)
