"""Windows for pictures of our environments."""

import pygame


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
