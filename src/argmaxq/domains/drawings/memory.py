"""A memory chain and a T-maze as their agents walk them: what was said at the beginning, and what came of it."""

import pygame

from argmaxq.domains.drawings.canvas import Canvas, Colour
from argmaxq.types import Array

PAPER, FAINT, INK = (248, 247, 243), (214, 211, 203), (44, 50, 58)
BITS: tuple[Colour, Colour] = (58, 104, 190), (214, 118, 66)  # 0 and 1
WALL, FLOOR, AGENT = (188, 185, 176), (255, 255, 255), (58, 104, 190)
SIGN, BUMP = (214, 160, 40), (201, 71, 71)
RIGHT, WRONG = (86, 160, 80), (201, 71, 71)
WIDTH = 720  # pixels


def chain(bits: Array, query: Array, step: Array, correct: Array, length: int) -> pygame.Surface:
    """The time of an episode as a row of beads; above them the bits, filled while they are seen.

    The bit that is asked for has a frame as soon as the question is put, and the last bead's colour says whether the
    answer was right.
    """
    seen, asked, over = step <= 1, step >= length, step > length
    spacing = 1 / max(length + 1, 6)
    canvas = Canvas((-0.05, 1.05), (-0.15, 0.25), WIDTH / 1.1, PAPER)
    canvas.line((0, 0), (1, 0), FAINT, 0.004)
    now = min(int(step), length)
    for moment in range(length + 1):
        place = moment / length, 0.0
        canvas.disc(place, 0.3 * spacing, INK if moment < now else FAINT)
    verdict = RIGHT if correct else WRONG
    canvas.disc((now / length, 0), max(0.5 * spacing, 0.016), verdict if over else INK)
    size = min(0.04, 0.4 / len(bits))
    for number, bit in enumerate(bits):
        place = 0.5 + 2.6 * size * (number - (len(bits) - 1) / 2), 0.14
        canvas.disc(place, size, BITS[int(bit)])
        if not seen:
            canvas.disc(place, 0.8 * size, PAPER)
        if asked and number == query:
            canvas.ring(place, 1.25 * size, verdict if over else INK, 0.006)
    return canvas.picture()


def maze(position: Array, goal: Array, stood: Array, turned: Array, correct: Array, length: int) -> pygame.Surface:
    """The corridor from the sign, an arrow beside it, to the junction.

    A step into a wall has a red ring, and a turn is green or red.
    """
    scale = WIDTH / (length + 2)
    half = max(round(2.2 * scale), 60) / scale  # films want an even height
    canvas = Canvas((-1, length + 1), (-half, half), scale, PAPER)
    for colour, edge in ((WALL, 0.62), (FLOOR, 0.5)):
        for (left, right), (low, high) in (((0, length), (0, 0)), ((length, length), (-1, 1))):
            west, east, south, north = left - edge, right + edge, low - edge, high + edge
            canvas.polygon([(west, south), (east, south), (east, north), (west, north)], colour)
    sign = 1 if goal == 0 else -1
    canvas.polygon([(-0.4, 1.3), (0.4, 1.3), (0, 1.3 + 0.5 * sign)], SIGN)
    canvas.line((0, 1.3 - 0.45 * sign), (0, 1.3), SIGN, 0.24)
    place = float(position), float((sign if correct else -sign) if turned else 0)
    canvas.disc(place, 0.3, (RIGHT if correct else WRONG) if turned else AGENT)
    if stood:
        canvas.ring(place, 0.42, BUMP, 0.08)
    return canvas.picture()
