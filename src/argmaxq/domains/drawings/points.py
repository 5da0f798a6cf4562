"""Catch Point and Hard Move seen from above: the plane, the target, the point, and the force that has just acted."""

import math

import numpy as np
import pygame

from argmaxq.domains.drawings.canvas import Canvas
from argmaxq.domains.point import MAX_FORCE, START_RANGE, TARGET_RADIUS, Point

SIZE = 480  # pixels
PAPER, GRID, FRAME, INK = (248, 247, 243), (228, 226, 219), (188, 185, 176), (44, 50, 58)
TARGET, TARGET_EDGE, REACHED = (244, 200, 174), (214, 118, 66), (150, 203, 145)
BODY, THRUST = (58, 104, 190), (201, 71, 71)


def picture(point: Point, actuators: int = 0, reached: bool = False) -> pygame.Surface:
    """The view widens where the point leaves the square that it starts in; the square stays drawn."""
    furthest = np.abs(np.concatenate([point.position, point.target])).max()
    half = max(1.4 * START_RANGE, float(furthest) + 0.4)
    canvas = Canvas((-half, half), (-half, half), SIZE / (2 * half), PAPER)
    thin = half / 200
    for step in range(math.floor(-2 * half), math.ceil(2 * half) + 1):
        canvas.line((step / 2, -half), (step / 2, half), GRID, thin)
        canvas.line((-half, step / 2), (half, step / 2), GRID, thin)
    corners = [(x * START_RANGE, y * START_RANGE) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    canvas.outline(corners, FRAME, 2 * thin)
    canvas.disc(point.target, TARGET_RADIUS, REACHED if reached else TARGET)
    canvas.ring(point.target, TARGET_RADIUS, TARGET_EDGE, 2 * thin)
    canvas.disc(point.target, 0.02, TARGET_EDGE)
    tip = point.position + 0.3 * point.force / MAX_FORCE
    canvas.line(point.position, tip, THRUST, 0.035)
    for actuator in range(actuators):
        angle = 2 * math.pi * actuator / actuators
        canvas.disc(point.position + 0.085 * np.array([math.cos(angle), math.sin(angle)]), 0.02, INK)
    canvas.disc(point.position, 0.06, INK)
    canvas.disc(point.position, 0.05, BODY)
    return canvas.picture()
