"""Groups trained by Slurm, a job for each, through submitit."""

import time
from collections.abc import Mapping
from typing import Any

from argmaxq.components.errors import UserError, told
from argmaxq.setup import usable_cores
from argmaxq.studies.folder import Layout
from argmaxq.studies.plan import Group
from argmaxq.studies.processes import Answer, trained

JOBS = "slurm"
"""Where the jobs' own files lie in a study's folder."""
HOURS = 24
"""What a job asks for; one that ends before its group does is resumed from the checkpoint by ``argmaxq resume``."""
LOOKS = 2.0
"""Seconds between two looks at the jobs."""


class OnSlurm:
    """Submits groups as jobs to Slurm; ``cluster`` is submitit's name of an executor, such as ``local`` for a trial.

    Raises:
        UserError: submitit is not installed, or there is no Slurm here.
    """

    def __init__(
        self, layout: Layout, groups: Mapping[int, Group], environment: Mapping[str, str], cluster: str = "slurm"
    ) -> None:
        self._folder, self._groups, self._environment = layout.path.resolve(), groups, dict(environment)
        self._executor = _executor(str(self._folder / JOBS / "%j"), cluster)
        self._running: dict[int, Any] = {}
        self._looked = 0.0

    def submit(self, group: int) -> None:
        """Submit a job."""
        kind = self._groups[group].kind
        cores = usable_cores() if kind == "compiled" else 1
        self._executor.update_parameters(name=f"argmaxq-{group:03d}", cpus_per_task=cores, timeout_min=60 * HOURS)
        self._running[group] = self._executor.submit(trained, str(self._folder), kind, group, self._environment)

    def wait(self, seconds: float) -> list[Answer]:
        """Groups whose jobs have ended."""
        time.sleep(seconds)
        if time.monotonic() - self._looked < LOOKS:  # Slurm's accounting is not to be asked all the time
            return []
        self._looked = time.monotonic()
        ended = [group for group, job in self._running.items() if job.done()]
        return [(group, _answer(self._running.pop(group))) for group in ended]

    def stop(self) -> None:
        """Cancel all jobs: what they saved stays."""
        for job in self._running.values():
            job.cancel()
        self._running = {}

    def close(self) -> None:
        """Nothing is held."""


def _executor(folder: str, cluster: str) -> Any:
    try:
        import submitit
    except ImportError:
        raise UserError("--slurm needs submitit, which is not installed: pip install 'argmaxq[slurm]'") from None
    try:
        return submitit.AutoExecutor(folder, cluster=cluster)
    except RuntimeError as error:
        raise UserError(f"--slurm: there is no Slurm here ({told(error)})") from error


def _answer(job: Any) -> str:
    try:
        fault: str = job.result()
    except Exception as error:
        return told(error)
    return fault
