"""Records on the disk while training goes on, for pages and trackers that follow it."""

import time
from collections.abc import Iterable

from argmaxq.runs.track import Track

EVERY = 3.0
"""Seconds between two times that records are handed to the operating system."""
SHARE = 0.01
"""Of the time at most that goes into it, where there are many seeds."""


class Live:
    """Hands what is recorded to the operating system every few seconds; a run that is resumed cuts it back."""

    def __init__(self) -> None:
        self._due = 0.0

    def look(self, tracks: Iterable[Track]) -> None:
        """Flush the records, if it is time; raises Unwritable."""
        begun = time.monotonic()
        if begun < self._due:
            return
        for track in tracks:
            track.records.flush()
        now = time.monotonic()
        self._due = now + max(EVERY, (now - begun) / SHARE)
