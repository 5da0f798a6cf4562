"""Returns that cannot be: higher than any score of the game."""

from collections.abc import Iterable

import numpy as np

from argmaxq.components.errors import warn
from argmaxq.environments.atari import ceiling
from argmaxq.environments.env import Env


class Ceiling:
    """Warns once where a return is above the highest that an environment has, if that is known."""

    def __init__(self, env: Env) -> None:
        self._highest, self._name = ceiling(env), env.name

    def look(self, step: int, returns: Iterable[np.ndarray]) -> None:
        """Look at the returns of some episodes that ended up to an env step."""
        if self._highest is None:
            return
        found = max((float(own.max()) for own in returns if len(own)), default=self._highest)
        if found > self._highest:
            warn(
                f"a return of {found:g} by step {step}, and no game of {self._name} scores more than "
                f"{self._highest:g}: what is reported is not its score"
            )
            self._highest = None
