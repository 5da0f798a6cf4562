"""Where what is downloaded is kept, and how names of artifacts are read."""

from pathlib import Path

from argmaxq.setup import cache_folder
from argmaxq.trackers.tracker import BEST


def cache(*parts: str) -> Path:
    """A folder below the user's cache folder; it exists."""
    folder = cache_folder().joinpath(*(part.replace("/", "-").replace(":", "-") for part in parts))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def parted(name: str) -> tuple[str, str]:
    """``NAME:ALIAS`` as both; the alias is ``best`` by default."""
    before, colon, alias = name.rpartition(":")
    return (before, alias) if colon else (name, BEST)
