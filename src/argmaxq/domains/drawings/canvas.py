"""Pictures of our environments, and windows that show them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import pygame

Colour: TypeAlias = tuple[int, int, int]
Span: TypeAlias = tuple[float, float]
Place: TypeAlias = Sequence[float] | Any
"""x and y, as numbers or as an array [2]."""


class Window:
    """A window that shows one surface after another, ``fps`` of them a second."""

    def __init__(self, title: str, fps: float) -> None:
        self._title, self._fps = title, fps
        self._screen: pygame.Surface | None = None
        self._clock = pygame.time.Clock()

    def show(self, picture: pygame.Surface) -> None:
        """Draw, and wait as long as a frame lasts."""
        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self._title)
            self._screen = pygame.display.set_mode(picture.get_size())
        self._screen.blit(picture, (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    @property
    def closing(self) -> bool:
        """Whether its close button was pressed."""
        return self._screen is not None and bool(pygame.event.peek(pygame.QUIT))

    def close(self) -> None:
        """Close it."""
        if self._screen is not None:
            pygame.display.quit()
            self._screen = None


class Canvas:
    """A picture in an environment's own coordinates, y upwards, smooth because it is drawn larger and shrunk."""

    _finer = 3

    def __init__(self, x: Span, y: Span, scale: float, background: Colour) -> None:
        """Show what lies within the spans ``x`` and ``y`` with ``scale`` pixels a unit."""
        self._left, self._top, self._scale = x[0], y[1], scale * self._finer
        self._size = round((x[1] - x[0]) * scale), round((y[1] - y[0]) * scale)
        self._surface = pygame.Surface((self._size[0] * self._finer, self._size[1] * self._finer))
        self._surface.fill(background)

    def disc(self, centre: Place, radius: float, colour: Colour) -> None:
        """A filled circle."""
        pygame.draw.circle(self._surface, colour, self._at(centre), radius * self._scale)

    def ring(self, centre: Place, radius: float, colour: Colour, width: float) -> None:
        """A circle."""
        pygame.draw.circle(self._surface, colour, self._at(centre), radius * self._scale, self._wide(width))

    def line(self, start: Place, end: Place, colour: Colour, width: float) -> None:
        """A straight line."""
        pygame.draw.line(self._surface, colour, self._at(start), self._at(end), self._wide(width))

    def polygon(self, corners: Sequence[Place], colour: Colour) -> None:
        """A filled polygon."""
        pygame.draw.polygon(self._surface, colour, [self._at(corner) for corner in corners])

    def outline(self, corners: Sequence[Place], colour: Colour, width: float) -> None:
        """A polygon's edge."""
        pygame.draw.polygon(self._surface, colour, [self._at(corner) for corner in corners], self._wide(width))

    def picture(self) -> pygame.Surface:
        """What has been drawn, in its final size."""
        return pygame.transform.smoothscale(self._surface, self._size)

    def _at(self, place: Place) -> tuple[float, float]:
        x, y = place
        return (float(x) - self._left) * self._scale, (self._top - float(y)) * self._scale

    def _wide(self, width: float) -> int:
        return max(round(width * self._scale), 1)
