"""Goal seen from above: the half pitch with its goal, attacker, keeper and ball."""

import itertools
import math

import pygame

from argmaxq.domains.drawings.canvas import Canvas
from argmaxq.domains.soccer import (
    BALL,
    CATCHABLE,
    GOAL_AREA_LENGTH,
    GOAL_DEPTH,
    HALF_GOAL,
    HALF_GOAL_AREA,
    HALF_WIDTH,
    KICKABLE,
    LENGTH,
    PLAYER,
    Body,
    Scene,
)

MARGIN = 1.5  # m around the pitch
PIXELS = 18  # per metre
GRASS, STRIPE, LINE, NET = (74, 133, 84), (81, 142, 91), (236, 242, 236), (196, 214, 200)
ATTACKER, KEEPER, BALL_COLOUR, INK = (58, 104, 190), (219, 112, 57), (250, 250, 250), (32, 38, 44)


def picture(scene: Scene) -> pygame.Surface:
    """The scene, goal to the right."""
    right = LENGTH + GOAL_DEPTH + MARGIN
    canvas = Canvas((-MARGIN, right), (-HALF_WIDTH - MARGIN, HALF_WIDTH + MARGIN), PIXELS, GRASS)
    _pitch(canvas)
    canvas.ring(scene.player.position, KICKABLE, LINE, 0.05)
    canvas.ring(scene.keeper.position, CATCHABLE, LINE, 0.05)
    _body(canvas, scene.player, ATTACKER)
    _body(canvas, scene.keeper, KEEPER)
    canvas.disc(scene.ball.position, BALL.radius, INK)
    canvas.disc(scene.ball.position, BALL.radius - 0.08, BALL_COLOUR)
    return canvas.picture()


def _pitch(canvas: Canvas) -> None:
    width = LENGTH / 8
    for stripe in range(0, 8, 2):
        left = stripe * width
        canvas.polygon(_rectangle(left, left + width, HALF_WIDTH), STRIPE)
    for step in range(1, 6):
        x = LENGTH + step * GOAL_DEPTH / 5
        canvas.line((x, -HALF_GOAL), (x, HALF_GOAL), NET, 0.04)
    for step in range(29):
        y = -HALF_GOAL + step * HALF_GOAL / 14
        canvas.line((LENGTH, y), (LENGTH + GOAL_DEPTH, y), NET, 0.04)
    canvas.outline(_rectangle(0, LENGTH, HALF_WIDTH), LINE, 0.12)
    canvas.outline(_rectangle(LENGTH - GOAL_AREA_LENGTH, LENGTH, HALF_GOAL_AREA), LINE, 0.12)
    arc = [(4 * math.cos(angle), 4 * math.sin(angle)) for angle in _angles(-math.pi / 2, math.pi / 2)]
    for one, other in itertools.pairwise(arc):
        canvas.line(one, other, LINE, 0.12)
    for y in (-HALF_GOAL, HALF_GOAL):
        canvas.line((LENGTH, y), (LENGTH + GOAL_DEPTH, y), LINE, 0.18)
        canvas.disc((LENGTH, y), 0.2, LINE)
    canvas.line((LENGTH + GOAL_DEPTH, -HALF_GOAL), (LENGTH + GOAL_DEPTH, HALF_GOAL), LINE, 0.18)


def _body(canvas: Canvas, body: Body, colour: tuple[int, int, int]) -> None:
    x, y = body.position
    angle = float(body.orientation)
    canvas.disc(body.position, PLAYER.radius, INK)
    canvas.disc(body.position, PLAYER.radius - 0.1, colour)
    nose = x + 0.7 * PLAYER.radius * math.cos(angle), y + 0.7 * PLAYER.radius * math.sin(angle)
    canvas.line((x, y), nose, BALL_COLOUR, 0.22)


def _rectangle(left: float, right: float, half: float) -> list[tuple[float, float]]:
    return [(left, -half), (right, -half), (right, half), (left, half)]


def _angles(first: float, last: float) -> list[float]:
    return [first + (last - first) * step / 48 for step in range(49)]
