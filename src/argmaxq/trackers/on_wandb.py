"""Weights & Biases: ``pip install 'argmaxq[wandb]'``. Its own settings hold, such as ``WANDB_PROJECT``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb

from argmaxq.trackers.places import cache
from argmaxq.trackers.tracker import FINISHED, Tracked

STEP = "step"
"""Numbers are drawn over this one: wandb's own steps only grow, so that two records could not be of one env step."""


class WandB:
    """Tracks by a run of wandb whose id is the seed's key."""

    def open(self, run: Tracked) -> str | None:
        settings = wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_git=True, save_code=False)
        offline = run.offline or os.environ.get("WANDB_MODE") == "offline"
        self._run: Any = wandb.init(
            id=run.key,
            name=run.name,
            group=run.group,
            project=os.environ.get("WANDB_PROJECT") or run.project,
            config=dict(run.config),
            dir=str(run.folder),
            mode="offline" if run.offline else None,
            resume=None if offline else "allow",
            reinit="create_new",
            settings=settings,
        )
        self._run.define_metric(STEP, hidden=True)
        self._run.define_metric("*", step_metric=STEP)
        if offline:
            return f"wandb sync {run.shared}/{'*/' if run.shared != run.folder else ''}wandb/offline-run-*"
        return self._run.url and str(self._run.url)

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, STEP: step})

    def media(self, path: Path, key: str, step: int) -> None:
        kind: Any = path.suffix.removeprefix(".")
        if kind == "html":
            shown: Any = wandb.Html(path.read_text(encoding="utf-8"), inject=False)
        else:
            shown = wandb.Video(str(path), format=kind)
        self._run.log({key: shown, STEP: step})

    def artifact(self, path: Path, name: str, aliases: Sequence[str]) -> None:
        made = wandb.Artifact(name, type="model")
        made.add_dir(str(path))
        self._run.log_artifact(made, aliases=list(aliases))

    def close(self, status: str) -> None:
        self._run.finish(exit_code=0 if status == FINISHED else 1)

    def fetch(self, name: str) -> Path:
        artifact = wandb.Api().artifact(name)
        return Path(artifact.download(root=str(cache("wandb", artifact.qualified_name, artifact.digest))))
