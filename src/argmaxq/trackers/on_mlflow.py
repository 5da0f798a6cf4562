"""MLflow: ``pip install 'argmaxq[mlflow]'``. Its own settings hold, such as ``MLFLOW_TRACKING_URI``."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from argmaxq.components.errors import UserError
from argmaxq.trackers.places import cache, parted
from argmaxq.trackers.tracker import FAILED, FINISHED, STOPPED, Tracked

KEY, NAME, GROUP = "argmaxq.key", "argmaxq.name", "argmaxq.group"
"""Tags by which a run is found again; MLflow chooses its runs' ids itself."""
STATES = {FINISHED: "FINISHED", STOPPED: "KILLED", FAILED: "FAILED"}
TOGETHER = 100
"""Parameters that MLflow takes at once."""


class MLflow:
    """Tracks by a run of MLflow, in the experiment ``MLFLOW_EXPERIMENT_NAME`` or that of the project's name."""

    def open(self, run: Tracked) -> str | None:
        self._client = mlflow.MlflowClient()
        experiment = self._experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or run.project)
        found = self._client.search_runs([experiment], f"tags.`{KEY}` = '{run.key}'", max_results=1)
        if found:
            self._id = found[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
        else:
            tags = {KEY: run.key, NAME: run.name, GROUP: run.group}
            self._id = self._client.create_run(experiment, tags=tags, run_name=run.name).info.run_id
            values = [Param(name, str(value)) for name, value in run.config.items()]
            for begin in range(0, len(values), TOGETHER):
                self._client.log_batch(self._id, params=values[begin : begin + TOGETHER])
        return f"mlflow ui --backend-store-uri {mlflow.get_tracking_uri()}"

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException:  # another process has made it meanwhile
            made = self._client.get_experiment_by_name(name)
            if made is None:
                raise
            return str(made.experiment_id)

    def log(self, values: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self._id, metrics=[Metric(name, value, now, step) for name, value in values.items()])

    def media(self, path: Path, key: str, step: int) -> None:
        self._client.log_artifact(self._id, str(path), key)

    def artifact(self, path: Path, name: str, aliases: Sequence[str]) -> None:
        for alias in aliases:
            self._client.log_artifacts(self._id, str(path), alias)

    def close(self, status: str) -> None:
        self._client.set_terminated(self._id, STATES[status])

    def fetch(self, name: str) -> Path:
        named, alias = parted(name)
        client: Any = mlflow.MlflowClient()
        experiments = [each.experiment_id for each in client.search_experiments()]
        found = client.search_runs(experiments, f"tags.`{NAME}` = '{named}'", max_results=1)
        if not found:
            raise UserError(f"mlflow has no run {named} in {mlflow.get_tracking_uri()}")
        return Path(client.download_artifacts(found[0].info.run_id, alias, str(cache("mlflow", named))))
