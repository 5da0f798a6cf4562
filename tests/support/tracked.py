"""What trackers kept of a run, read by their own libraries."""

import gc
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import argmaxq as aq


class Found(NamedTuple):
    """Numbers by (name, step), how often each was there, the configuration, films, and where the best policy lies."""

    values: dict[tuple[str, int], float]
    counts: Counter[tuple[str, int]]
    config: dict[str, Any]
    films: list[bytes]
    artifact: str | Path


def settings(folder: Path) -> dict[str, str]:
    """Environment variables with which all trackers keep to a folder."""
    wandb = {name: str(folder / "wandb") for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")}
    mlflow = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    return {**wandb, **mlflow, "TRACKIO_DIR": str(folder / "trackio"), "XDG_CACHE_HOME": str(folder / "cache")}


def end() -> None:
    """Let go of what libraries keep open."""
    import sys

    if "wandb" in sys.modules:
        sys.modules["wandb"].teardown()
    gc.collect()


def found(rows: Iterator[tuple[str, int, float]], config: dict[str, Any], films: list[bytes], artifact: Any) -> Found:
    listed = list(rows)
    counts = Counter((name, step) for name, step, _ in listed)
    return Found({(name, step): value for name, step, value in listed}, counts, config, films, artifact)


def name_of(run: Path) -> str:
    return f"cartpole-dqn-{aq.Run(run).config['id'][:8]}-seed-0"


def tensorboard(run: Path) -> Found:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run / "tracking" / "tensorboard"
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    rows = ((tag, event.step, event.value) for tag in tags["scalars"] for event in events.Scalars(tag))
    films = [event.encoded_image_string for tag in tags["images"] for event in events.Images(tag)]
    text = events.Tensors("configuration/text_summary")[0].tensor_proto.string_val[0].decode()
    config = json.loads(text.removeprefix("```json\n").removesuffix("\n```"))
    return found(rows, config, films, f"tensorboard:{folder / 'artifacts' / name_of(run)}:best")


def mlflow(run: Path) -> Found:
    import mlflow as library

    client = library.MlflowClient()
    (one,) = client.search_runs([client.get_experiment_by_name("argmaxq").experiment_id])
    assert one.info.status == "FINISHED"
    history = [each for key in one.data.metrics for each in client.get_metric_history(one.info.run_id, key)]
    rows = ((each.key, each.step, each.value) for each in history)
    kept = Path(client.download_artifacts(one.info.run_id, ""))
    films = [path.read_bytes() for path in kept.glob("film/**/*.mp4")]
    assert list(kept.glob("report/*.html"))
    return found(rows, dict(one.data.params), films, f"mlflow:{name_of(run)}:best")


def trackio(run: Path) -> Found:
    from trackio.sqlite_storage import SQLiteStorage
    from trackio.utils import MEDIA_DIR

    logs = SQLiteStorage.get_logs("argmaxq", name_of(run))
    numbers = [(name, row["step"], value) for row in logs for name, value in row.items() if "/" in name]
    rows = ((name, step, value) for name, step, value in numbers if isinstance(value, int | float))
    films = [path.read_bytes() for path in (Path(MEDIA_DIR) / "argmaxq").rglob("*.mp4")]
    config = SQLiteStorage.get_run_config("argmaxq", name_of(run))
    return found(rows, config or {}, films, f"trackio:argmaxq/{name_of(run)}:best")


def wandb(run: Path) -> Found:
    rows: list[tuple[str, int, float]] = []
    config: dict[str, Any] = {}
    files = sorted((run / "tracking" / "wandb" / "wandb").glob("offline-run-*/*.wandb"))
    artifacts: list[Any] = []
    for record in (record for file in files for record in _records(file.read_bytes())):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            assert record.run.run_id == f"{aq.Run(run).config['id']}-0"
            assert record.run.run_group == name_of(run).removesuffix("-seed-0")
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "history":
            items = [item for item in record.history.item if len(item.nested_key) < 2]  # others tell of media
            row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
            rows += [(name, row["step"], row[name]) for name in row if "/" in name]
        elif kind == "request" and record.request.HasField("log_artifact"):
            artifacts.append(record.request.log_artifact.artifact)
        elif kind == "artifact":
            artifacts.append(record.artifact)
    films = [film.read_bytes() for file in files for film in file.parent.glob("files/media/videos/**/*.mp4")]
    best = [each for each in artifacts if "best" in each.aliases][-1]
    folder = run.with_name("artifact")
    for entry in best.manifest.contents:
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(entry.local_path, folder / entry.path)
    return found(iter(rows), config, films, folder)


def _records(data: bytes) -> Iterator[Any]:
    """The records of a .wandb file: a log of LevelDB's kind, in blocks of 32 KiB, after seven bytes of its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    assert data[:4] == b":W&B"
    place, whole = 7, b""
    while place + 7 <= len(data):
        if 32_768 - place % 32_768 < 7:
            place += 32_768 - place % 32_768
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # all of a record, or its last part
            yield Record.FromString(whole)
            whole = b""


READERS: dict[str, Callable[[Path], Found]] = {
    "wandb": wandb, "tensorboard": tensorboard, "mlflow": mlflow, "trackio": trackio,
}  # fmt: skip
