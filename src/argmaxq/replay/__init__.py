"""Replay: time-ordered rows, uniform or prioritised."""

from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.storage import Frames, Whole
from argmaxq.replay.uniform import Uniform

__all__ = ["Frames", "Prioritised", "Uniform", "Whole"]
