"""Who trains a study's groups."""

from typing import Protocol

from argmaxq.studies.processes import Answer


class Executor(Protocol):
    """Has groups trained, each by a process that needs nothing but the study's folder: the numbers are the same."""

    def submit(self, group: int) -> None:
        """Have a group trained, now or when there is room."""

    def wait(self, seconds: float) -> list[Answer]:
        """Groups that have ended, as soon as there are any, or none after about so many seconds."""

    def stop(self) -> None:
        """Have what is trained now saved, and nothing more begin."""

    def close(self) -> None:
        """Free what is held."""
