"""Groups trained by a Ray cluster: a task for each, tried again from its latest checkpoint where a node is lost."""

import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from argmaxq.components.errors import UserError, told
from argmaxq.studies.folder import Layout
from argmaxq.studies.plan import Group
from argmaxq.studies.processes import Answer, trained

LOCAL = "local"
RETRIES = 5
"""How often a task is tried again whose worker or node is lost."""
GRACE = 30.0
"""Seconds that tasks which are called off have for saving."""


class OnRay:
    """Submits groups to the cluster at ``address``, ``local`` for one that is started here and ends with this object.

    Raises:
        UserError: Ray is not installed, or no cluster answers there, or none of its nodes has the cores for a group.
    """

    def __init__(
        self, layout: Layout, groups: Mapping[int, Group], environment: Mapping[str, str], address: str
    ) -> None:
        self._ray = ray = _ray()
        self._folder, self._groups, self._environment = layout.path.resolve(), groups, dict(environment)
        self._running: dict[Any, int] = {}
        self._connected = not ray.is_initialized()
        if self._connected:
            _connect(ray, address, self._environment)
        self._most = _cores(ray)
        self._task = ray.remote(trained)

    def submit(self, group: int) -> None:
        """Have Ray train a group as soon as a node has the cores."""
        kind = self._groups[group].kind
        cores = self._most if kind == "compiled" else 1
        task = self._task.options(num_cpus=cores, max_retries=RETRIES, name=f"group-{group:03d}")
        self._running[task.remote(str(self._folder), kind, group, self._environment)] = group

    def wait(self, seconds: float) -> list[Answer]:
        """Groups that have ended."""
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [(self._running.pop(task), self._answer(task)) for task in ended]

    def stop(self) -> None:
        """Call all tasks off: those that run save what was done."""
        for task in self._running:
            self._ray.cancel(task)
        self._ray.wait(list(self._running), num_returns=len(self._running), timeout=GRACE)
        self._running = {}

    def close(self) -> None:
        """Leave the cluster, or end it where it is this process's own."""
        if self._connected:
            self._ray.shutdown()

    def _answer(self, task: Any) -> str:
        try:
            fault: str = self._ray.get(task)
        except Exception as error:
            return told(error)
        return fault


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError("--ray needs Ray, which is not installed: pip install 'argmaxq[ray]'") from None
    return ray


def _connect(ray: Any, address: str, environment: Mapping[str, str]) -> None:
    """Start a cluster here, or find the one at an address; raises UserError."""
    shipped = {"runtime_env": {"working_dir": os.getcwd()}} if environment else {}  # the user's module lies there
    where = {} if address == LOCAL else {"address": address}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="os.fork")  # Ray's own processes use nothing of JAX
            ray.init(**where, **shipped, log_to_driver=False, include_dashboard=False)
    except Exception as error:
        with suppress(Exception):
            ray.shutdown()
        raise UserError(f"--ray {address}: no cluster could be joined there ({told(error)})") from error


def _cores(ray: Any) -> int:
    """Cores of the largest node: a task that asks for more would wait for ever; raises UserError without any."""
    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    most = int(max(nodes, default=0))
    if most < 1:
        raise UserError("the Ray cluster has no node with a core: start one with ray start, or raise its --num-cpus")
    return most
