"""Whole numbers as people write them: ``50_000``, ``50,000``, ``1e6``, ``100k``, ``1.5M``."""

import re

MULTIPLES = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9}
"""Powers of ten."""
LONGEST = 60
"""Digits of numbers that are read at all."""
_WRITTEN = re.compile(r"([+-]?)(\d+|\d+(?:_\d+)+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?([kKMG]?)", re.A)


def whole(text: str) -> int | None:
    """The whole number that a text stands for; None where it is no number, a fraction, or of too many digits."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    sign, units, tenths, exponent, multiple = written.groups(default="")
    digits = re.sub("[,_]", "", units) + tenths
    power = int(exponent or 0) + MULTIPLES[multiple] - len(tenths)
    if len(digits) + abs(power) > LONGEST:
        return None
    value, rest = divmod(int(digits) * 10 ** max(power, 0), 10 ** max(-power, 0))
    return None if rest else -value if sign == "-" else value
