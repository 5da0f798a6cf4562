"""Observations of copies in memory that processes share, for a picture takes longer to send than to see."""

import math
import mmap
import os
import tempfile
from typing import Any, BinaryIO

import numpy as np

from argmaxq.lanes.copies import Acted
from argmaxq.spaces import Spaces

LEAST = 2**12
"""Bytes of an observation from which it is shared."""
COPIES, BYTES = 256, 2**28
"""How many copies have a place at most, and how many bytes all places have."""

HERE = np.empty(0)
"""Sent in place of an observation."""


class Room:
    """A place for each copy's newest observation, in a file that processes have in common.

    Args:
        spaces: What an agent sees of the copies.
        file: The file's descriptor; every process may be the first to give it its length.
    """

    def __init__(self, spaces: Spaces, file: int) -> None:
        stored = spaces.stored
        each = math.prod(stored.shape) * np.dtype(stored.dtype).itemsize
        copies = min(COPIES, BYTES // each) if each >= LEAST else 0
        self._places: Any = ()
        if copies:
            os.ftruncate(file, copies * each)
            self._places = np.ndarray((copies, *stored.shape), stored.dtype, mmap.mmap(file, copies * each))

    def put(self, copy: int, answer: Any) -> Any:
        """An answer as it is sent: the observation of a step stays here, where there is a place for it."""
        if not self._has(copy, answer):
            return answer
        self._places[copy] = answer.obs
        return answer._replace(obs=HERE)

    def taken(self, copy: int, answer: Any) -> Any:
        """An answer as it was given; the observation is valid until that copy's next step."""
        return answer._replace(obs=self._places[copy]) if self._has(copy, answer) else answer

    def _has(self, copy: int, answer: Any) -> bool:
        return isinstance(answer, Acted) and copy < len(self._places)


def shared() -> BinaryIO:
    """A file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("argmaxq"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
