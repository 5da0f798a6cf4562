"""Who trains a study's groups."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from argmaxq.components.errors import UserError
from argmaxq.studies.folder import Layout
from argmaxq.studies.on_ray import OnRay
from argmaxq.studies.on_slurm import OnSlurm
from argmaxq.studies.plan import Group
from argmaxq.studies.processes import Answer, Processes


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


Making = Callable[[Layout, Mapping[int, Group], Mapping[str, str]], Executor]
"""What makes an executor for some groups of a study, whose processes get these environment variables."""


def chosen(ray: str | None = None, slurm: str | None = None) -> Making:
    """Processes of this machine, the Ray cluster at an address, or Slurm.

    Raises:
        UserError: both are asked for.
    """
    if ray and slurm:
        raise UserError("a study is trained by --ray or by --slurm, not by both")
    return partial(OnRay, address=ray) if ray else partial(OnSlurm, cluster=slurm) if slurm else Processes
