"""TensorBoard: ``pip install 'argmaxq[tensorboard]'``. Event files, and artifacts in folders beside them."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tensorboardX.proto import summary_pb2

from argmaxq.components.errors import UserError
from argmaxq.trackers.places import parted
from argmaxq.trackers.tracker import Tracked


class TensorBoard:
    """Tracks by event files in the run's own folder."""

    film = ".gif"

    def open(self, run: Tracked) -> str | None:
        self._folder = run.folder
        # Its files are named after the second, and one of the same name would be overwritten.
        self._writer: Any = SummaryWriter(str(run.folder), filename_suffix=f".{time.time_ns()}")
        if not run.resumed:
            self._writer.add_text("configuration", f"```json\n{json.dumps(dict(run.config), indent=1)}\n```", 0)
            self._writer.flush()
        return f"tensorboard --logdir {run.shared}"

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def media(self, path: Path, key: str, step: int) -> None:
        if path.suffix == self.film:  # an animation is shown where pictures are
            made: Any = summary_pb2
            picture = made.Summary.Image(encoded_image_string=path.read_bytes(), colorspace=3)
            summary = made.Summary(value=[made.Summary.Value(tag=key, image=picture)])
            self._writer.file_writer.add_summary(summary, step)
        else:
            kept = self._folder / "media" / key / path.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)
            self._writer.add_text(key, str(kept), step)
        self._writer.flush()

    def artifact(self, path: Path, name: str, aliases: Sequence[str]) -> None:
        for alias in aliases:
            kept = self._folder / "artifacts" / name / alias
            fresh = kept.with_name(f"{alias}.partial")
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(path, fresh)
            shutil.rmtree(kept, ignore_errors=True)
            fresh.rename(kept)

    def close(self, status: str) -> None:
        self._writer.add_text("status", status)
        self._writer.close()

    def fetch(self, name: str) -> Path:
        folder, alias = parted(name)
        if not (kept := Path(folder) / alias).is_dir():
            raise UserError(f"{kept} does not exist: artifacts lie in RUN/tracking/tensorboard/artifacts/NAME")
        return kept
