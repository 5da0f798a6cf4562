"""What lanes have in common whose episodes cannot be restored: they restart, from a seed and a count of steps."""

from typing import Any

import numpy as np


class Restarted:
    """Saves the current observations, and what the next episodes' randomness is made of."""

    _obs: np.ndarray
    _seed: int
    _count: int

    def mark(self) -> Any:
        """Observations and count of steps."""
        return self._obs, self._count

    def rewind(self, mark: Any) -> None:
        """Go back, for ``save`` alone."""
        self._obs, self._count = mark

    def observe(self) -> np.ndarray:
        """The current observations [lanes, ...]."""
        return self._obs

    def save(self) -> dict[str, Any]:
        """The observations, and seed and count of steps, enough to restart reproducibly."""
        return {"seed": self._seed, "count": self._count, "observations": np.array(self._obs)}
