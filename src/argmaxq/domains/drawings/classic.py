"""A pole on its cart and a car in its valley, seen from the side."""

import math

import numpy as np
import pygame

from argmaxq.domains.drawings.canvas import Canvas, Span

PAPER, FAINT, INK = (248, 247, 243), (214, 211, 203), (44, 50, 58)
POLE, WHEEL, HILL = (214, 118, 66), (58, 104, 190), (188, 205, 180)
WIDTH = 600  # pixels


def pole(x: float, angle: float, limit: float, length: float) -> pygame.Surface:
    """The track to both ``limit``s [m], the cart at x [m] and the pole of this ``length`` [m], upright at angle 0."""
    half = limit + 0.2
    canvas = Canvas((-half, half), (-0.5, 1.6), WIDTH / (2 * half), PAPER)
    canvas.line((-half, 0), (half, 0), FAINT, 0.03)
    for end in (-limit, limit):
        canvas.line((end, -0.12), (end, 0.12), INK, 0.03)
    canvas.polygon([(x - 0.3, 0.02), (x + 0.3, 0.02), (x + 0.3, 0.3), (x - 0.3, 0.3)], INK)
    tip = x + length * math.sin(angle), 0.3 + length * math.cos(angle)
    canvas.line((x, 0.3), tip, POLE, 0.09)
    canvas.disc((x, 0.3), 0.06, WHEEL)
    return canvas.picture()


def car(x: float, span: Span, goal: float) -> pygame.Surface:
    """The valley sin(3 x), the car at x, and a flag at the goal."""
    canvas = Canvas((span[0] - 0.05, span[1] + 0.05), (-0.1, 1.25), WIDTH / (span[1] - span[0] + 0.1), PAPER)
    xs = np.linspace(span[0] - 0.05, span[1] + 0.05, 120)
    canvas.polygon([(xs[0], -0.1), *((x, _height(x)) for x in xs), (xs[-1], -0.1)], HILL)
    top = _height(goal) + 0.2
    canvas.line((goal, _height(goal)), (goal, top), INK, 0.012)
    canvas.polygon([(goal, top), (goal, top - 0.07), (goal - 0.1, top - 0.035)], POLE)
    slope = math.atan(3 * 0.45 * math.cos(3 * x))
    along, up = (math.cos(slope), math.sin(slope)), (-math.sin(slope), math.cos(slope))

    def on_car(right: float, above: float) -> tuple[float, float]:
        return x + right * along[0] + above * up[0], _height(x) + right * along[1] + above * up[1]

    canvas.polygon([on_car(-0.07, 0.025), on_car(0.07, 0.025), on_car(0.05, 0.08), on_car(-0.05, 0.08)], INK)
    for wheel in (-0.04, 0.04):
        canvas.disc(on_car(wheel, 0.025), 0.022, WHEEL)
    return canvas.picture()


def _height(x: float) -> float:
    return 0.55 + 0.45 * math.sin(3 * x)
