"""Trackio: ``pip install 'argmaxq[trackio]'``. Its own settings hold, such as ``TRACKIO_DIR``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trackio

from argmaxq.components.errors import UserError
from argmaxq.trackers.places import cache
from argmaxq.trackers.tracker import Tracked

LOADED = "loaded"
"""The run of trackio that artifacts are read by: it gives them to runs alone."""


class Trackio:
    """Tracks by a run of trackio of the seed's name, on this machine unless ``TRACKIO_SPACE_ID`` names a space."""

    def open(self, run: Tracked) -> str | None:
        project = os.environ.get("TRACKIO_PROJECT") or run.project
        self._run: Any = trackio.init(
            project=project,
            name=run.name,
            group=run.group,
            config=dict(run.config),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        return f"trackio show --project {project}"

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def media(self, path: Path, key: str, step: int) -> None:
        if path.suffix == ".html":
            shown: Any = trackio.Html(path.read_text(encoding="utf-8"), inject=False)
        else:
            shown = trackio.Video(str(path))
        self._run.log({key: shown}, step=step)

    def artifact(self, path: Path, name: str, aliases: Sequence[str]) -> None:
        self._run.log_artifact(path, name=name, type="model", aliases=list(aliases))

    def close(self, status: str) -> None:
        self._run.finish()

    def fetch(self, name: str) -> Path:
        project, slash, artifact = name.rpartition("/")
        if not slash:
            raise UserError(f"trackio:{name}: it is written trackio:PROJECT/NAME:ALIAS")
        run = trackio.init(project=project, name=LOADED, resume="allow", embed=False, auto_log_gpu=False)
        try:
            found = run.use_artifact(artifact)
            return Path(found.download(cache("trackio", project, f"{found.name}-{found.version}")))
        finally:
            run.finish()
