"""Pictures of Platform: its world of 1035 x 300 px, with y upwards, and how far the player has come."""

from functools import cache
from typing import Any

import pygame

from argmaxq.domains.platform_world import PlatformState, World

Colour = tuple[int, int, int]
SKY_TOP, SKY_BOTTOM = (222, 234, 246), (250, 252, 254)
STONE, GRASS = (71, 85, 105), (101, 163, 13)
SPIKE, PIT = (148, 163, 184), (226, 232, 240)
PLAYER, ENEMY, WHITE, DARK = (37, 99, 235), (220, 38, 38), (255, 255, 255), (30, 41, 59)
HEIGHT = 300
FINER = 2
"""Shapes are drawn so many times as large and then scaled down, which smooths their edges."""
BAR = (40, 24, 8)  # progress: distance from either side, from the top, and height [px]


def picture(world: World, state: PlatformState) -> pygame.Surface:
    """A state, its leaves numbers or NumPy scalars, as a surface of 1035 x 300."""
    fine = background(world).copy()
    for x, velocity in ((state.enemy_1_x, state.enemy_1_velocity), (state.enemy_2_x, state.enemy_2_velocity)):
        draw_enemy(fine, world, float(x), float(velocity))
    draw_player(fine, world, float(state.x), float(state.y), float(state.velocity_x))
    width = world.end - 2 * BAR[0]
    rectangle(fine, PLAYER, (BAR[0], HEIGHT - BAR[1] - BAR[2], width * float(state.x) / world.end, BAR[2]), radius=4)
    return pygame.transform.smoothscale(fine, (int(world.end), HEIGHT))


@cache
def background(world: World) -> pygame.Surface:
    """All that never moves, enlarged."""
    fine = pygame.Surface((int(world.end) * FINER, HEIGHT * FINER))
    for row in range(HEIGHT * FINER):
        share = row / (HEIGHT * FINER)
        pygame.draw.line(fine, mix(SKY_TOP, SKY_BOTTOM, share), (0, row), (fine.get_width(), row))
    ends = [start + width for start, width in zip(world.starts, world.widths, strict=True)]
    for left, right in zip(ends, world.starts[1:], strict=False):
        draw_pit(fine, left, right)
    for start, width in zip(world.starts, world.widths, strict=True):
        rectangle(fine, STONE, (start, 0, width, world.platform_height))
        rectangle(fine, GRASS, (start, world.platform_height - 6, width, 6))
    draw_flag(fine, world.end - 12, world.platform_height)
    margin, from_top, thickness = BAR
    rectangle(fine, WHITE, (margin, HEIGHT - from_top - thickness, world.end - 2 * margin, thickness), radius=4)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = margin + share * (world.end - 2 * margin)
        write(fine, f"{share:.0%}", x, HEIGHT - from_top - thickness - 12)
    return fine


def draw_pit(surface: pygame.Surface, left: float, right: float) -> None:
    """A gap with spikes on its ground."""
    rectangle(surface, PIT, (left, 0, right - left, 12))
    count = round((right - left) / 12)
    step = (right - left) / count
    for number in range(count):
        x = left + number * step
        polygon(surface, SPIKE, [(x, 0), (x + step / 2, 18), (x + step, 0)])


def draw_flag(surface: pygame.Surface, x: float, y: float) -> None:
    """Where the way ends."""
    rectangle(surface, DARK, (x, y, 2, 60))
    polygon(surface, GRASS, [(x, y + 60), (x - 22, y + 51), (x, y + 42)])


def draw_player(surface: pygame.Surface, world: World, x: float, y: float, velocity: float) -> None:
    """A blue body with eyes to the right, and a line behind it that grows with its speed."""
    width, height = world.player_width, world.player_height
    rectangle(surface, PLAYER, (x, y, width, height), radius=6)
    for offset in (9, 15):
        circle(surface, WHITE, (x + offset, y + 22), 2.6)
        circle(surface, DARK, (x + offset + 0.8, y + 22), 1.3)
    for level in (7, 14, 21):
        length = velocity / world.max_ground_speed * 14
        rectangle(surface, mix(SKY_BOTTOM, PLAYER, 0.5), (x - 3 - length, y + level, length, 1.5))


def draw_enemy(surface: pygame.Surface, world: World, x: float, velocity: float) -> None:
    """A red body with angry eyes in the direction of its motion, on two feet."""
    width, y, side = world.player_width, world.platform_height, 1 if velocity > 0 else -1
    rectangle(surface, ENEMY, (x, y + 4, width, world.player_height - 4), radius=6)
    for foot in (2, 12):
        rectangle(surface, DARK, (x + foot, y, 6, 5), radius=2)
    middle = x + width / 2 + 3 * side
    for offset in (-4, 4):
        circle(surface, WHITE, (middle + offset, y + 21), 2.6)
        circle(surface, DARK, (middle + offset + side, y + 21), 1.3)
        lower, upper = (middle + offset - offset / 2, y + 24), (middle + offset + offset / 2, y + 26.5)
        pygame.draw.line(surface, DARK, point(surface, *lower), point(surface, *upper), 2 * FINER - 1)


def point(surface: pygame.Surface, x: float, y: float) -> tuple[float, float]:
    """World to enlarged picture, whose y points downwards."""
    return x * FINER, surface.get_height() - y * FINER


def rectangle(
    surface: pygame.Surface, colour: Colour, box: tuple[float, float, float, float], radius: float = 0
) -> None:
    """``box``: left, bottom, width, height."""
    x, y, width, height = box
    left, top = point(surface, x, y + height)
    area = pygame.Rect(round(left), round(top), round(width * FINER), round(height * FINER))
    pygame.draw.rect(surface, colour, area, border_radius=round(radius * FINER))


def circle(surface: pygame.Surface, colour: Colour, centre: tuple[float, float], radius: float) -> None:
    """A disc."""
    pygame.draw.circle(surface, colour, point(surface, *centre), radius * FINER)


def polygon(surface: pygame.Surface, colour: Colour, corners: list[tuple[float, float]]) -> None:
    """A filled polygon."""
    pygame.draw.polygon(surface, colour, [point(surface, *corner) for corner in corners])


def write(surface: pygame.Surface, text: str, x: float, y: float) -> None:
    """Small letters round a point."""
    pygame.font.init()
    letters: Any = pygame.font.Font(None, 15 * FINER).render(text, True, DARK)
    surface.blit(letters, letters.get_rect(center=point(surface, x, y)))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the other colour."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
