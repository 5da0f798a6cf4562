"""Numbers drawn into films: titles above a picture, and beside it what the policy makes of what it sees."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from argmaxq.reporting.text import number
from argmaxq.verbs.policy import Regard

WIDTH, LINE, MARGIN = 300, 20, 10
"""Pixels: of a panel, of a line of text in it, and around it."""
MOST = 24
"""Actions that are shown at most: those of greatest value."""
GROUND, INK, FAINT, BAR, CHOSEN = "#1E1E1E", "#F2F2F2", "#9A9A9A", "#56B4E9", "#E69F00"
NAME, VALUE = 92, 52
"""Pixels of an action's name and of its value, with the bar between them."""


class Scale(NamedTuple):
    """The least and the greatest finite value so far, between which bars are drawn."""

    low: float = math.inf
    high: float = -math.inf

    def over(self, values: np.ndarray) -> "Scale":
        """The same with these values, too."""
        sound = values[np.isfinite(values)]
        return Scale(min([self.low, *sound]), max([self.high, *sound]))

    def share(self, value: float) -> float:
        """How far a value is from the least to the greatest."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 1.0


class Bar(NamedTuple):
    """An action: its name, its value, and whether it is chosen."""

    name: str
    value: float
    chosen: bool


def bars(regard: Regard, names: Sequence[str]) -> list[Bar]:
    """An action each, of several branches one branch after the other; none where there are no values of actions."""
    if regard.values is None:
        return []
    values = np.atleast_2d(regard.values)
    chosen = np.ravel(regard.array).astype(int)[: len(values)]
    found = [
        Bar(names[branch * len(row) + action], float(value), action == chosen[branch])
        for branch, row in enumerate(values)
        for action, value in enumerate(row)
    ]
    kept = sorted(found, key=lambda bar: (bar.chosen, bar.value), reverse=True)[:MOST]
    return [bar for bar in found if bar in kept]


def panel(words: Sequence[str], shown: Sequence[Bar], scale: Scale, height: int) -> np.ndarray:
    """Words, a line each, and bars below: uint8 [height, WIDTH, 3], or higher where they need more."""
    needed = 2 * MARGIN + LINE * (len(words) + (len(shown) + 2 if shown else 0))
    image = Image.new("RGB", (WIDTH, max(height, needed)), GROUND)
    draw = ImageDraw.Draw(image)
    for place, text in enumerate(words):
        draw.text((MARGIN, MARGIN + place * LINE), text, fill=INK, font=font(14))
    top = MARGIN + LINE * len(words) + LINE // 2
    for place, bar in enumerate(shown):
        _draw_bar(draw, bar, scale, top + place * LINE)
    if shown and math.isfinite(scale.low):
        ends = f"Q, bars from {short(scale.low)} to {short(scale.high)}"
        draw.text((MARGIN, top + len(shown) * LINE + 4), ends, fill=FAINT, font=font(11))
    return np.asarray(image)


def titled(picture: np.ndarray, left: str, right: str) -> np.ndarray:
    """A picture under a line of text that begins at the left and ends at the right."""
    image = Image.new("RGB", (picture.shape[1], picture.shape[0] + LINE + 4), GROUND)
    image.paste(Image.fromarray(picture), (0, LINE + 4))
    draw = ImageDraw.Draw(image)
    draw.text((6, 4), left, fill=INK, font=font(14))
    draw.text((image.width - 6, 4), right, fill=FAINT, font=font(14), anchor="ra")
    return np.asarray(image)


def beside(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Two pictures beside each other, the lower one in the middle of the other's height."""
    rows = max(len(picture), len(other))
    image = Image.new("RGB", (picture.shape[1] + other.shape[1], rows), GROUND)
    image.paste(Image.fromarray(picture), (0, (rows - len(picture)) // 2))
    image.paste(Image.fromarray(other), (picture.shape[1], (rows - len(other)) // 2))
    return np.asarray(image)


def short(value: float) -> str:
    """A value in few letters; a dash for one that is not finite, as that of an action that is not allowed."""
    return number(value, (value,)) if math.isfinite(value) else "-"


@lru_cache(maxsize=8)
def font(size: int) -> Any:
    """Pillow's own font, so that films look the same everywhere."""
    return ImageFont.load_default(size)


def _draw_bar(draw: Any, bar: Bar, scale: Scale, top: int) -> None:
    """A name, a bar and a value; the chosen one in another colour, with a mark before it."""
    colour = CHOSEN if bar.chosen else BAR
    if bar.chosen:
        draw.polygon([(2, top + 4), (2, top + 14), (8, top + 9)], fill=CHOSEN)
    draw.text((MARGIN + 2, top), _fitting(bar.name, NAME), fill=INK, font=font(12))
    left, room = MARGIN + NAME, WIDTH - 2 * MARGIN - NAME - VALUE
    if math.isfinite(bar.value):
        draw.rectangle((left, top + 3, left + 2 + scale.share(bar.value) * (room - 2), top + 15), fill=colour)
    draw.text((WIDTH - MARGIN, top), short(bar.value), fill=INK, font=font(12), anchor="ra")


def _fitting(text: str, width: int) -> str:
    """As much of a text as fits into so many pixels."""
    while font(12).getlength(text) > width - 6:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text
