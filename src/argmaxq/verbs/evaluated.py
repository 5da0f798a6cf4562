"""What an evaluation found."""

import dataclasses
from typing import Any

import numpy as np

from argmaxq.reporting.text import number
from argmaxq.runs.track import statistics


@dataclasses.dataclass(frozen=True, repr=False)
class Evaluated:
    """Returns of whole greedy episodes, beside the random policy's.

    Attributes:
        returns: The return of each greedy episode.
        random: The random policy's mean return, on episodes that begin alike.
        success: The share of episodes that end with ``info["success"]``, where the environment says so.
        cut: How many had not ended after ``LONGEST`` steps; they count with what they had gained by then.
    """

    returns: tuple[float, ...]
    random: float
    success: float | None = None
    cut: int = 0

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    def __repr__(self) -> str:
        found = statistics(np.array(self.returns))
        beside = [*found.values(), self.random]
        told = ", ".join(f"{name} {number(value, beside)}" for name, value in found.items())
        random = number(self.random, beside)
        return f"<Evaluated: {len(self.returns)} greedy episodes, {told}; random policy's mean {random}>"

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        numbers = statistics(np.array(self.returns))
        found = {"episodes": len(self.returns), **numbers, "returns": list(self.returns), "random": self.random}
        cut = {"cut": self.cut} if self.cut else {}
        return found | cut | ({} if self.success is None else {"success": self.success})
