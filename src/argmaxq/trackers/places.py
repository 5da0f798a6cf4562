"""Where what is downloaded is kept, and how names of artifacts are read."""

import os
from pathlib import Path

from argmaxq.trackers.tracker import BEST


def cache(*parts: str) -> Path:
    """A folder below ``$XDG_CACHE_HOME/argmaxq``, by default ``~/.cache/argmaxq``; it exists."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    folder = root.joinpath("argmaxq", *(part.replace("/", "-").replace(":", "-") for part in parts))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def parted(name: str) -> tuple[str, str]:
    """``NAME:ALIAS`` as both; the alias is ``best`` by default."""
    before, colon, alias = name.rpartition(":")
    return (before, alias) if colon else (name, BEST)
