"""Making a run's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.runs.track import write_json

CONFIG, SUMMARY, CURVE = "config.json", "summary.json", "curve.png"


def make_folder(out: str | Path | None, name: str) -> Path:
    """Make the run folder: ``out``, which must be new or empty, or the first free one below ``runs``.

    Raises:
        UserError: ``out`` holds something, or cannot be made.
    """
    try:
        return _first_free(Path("runs") / name.replace("/", "-")) if out is None else _named(Path(out))
    except OSError as error:
        raise UserError(f"{error.filename or out}: no folder can be made there ({error.strerror})") from None


def write_configs(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.json``, and with several seeds each one's own folder with its own."""
    seeds = config["seeds"] if len(config["seeds"]) > 1 else []
    for seed in seeds:
        part = folder / f"seed-{seed}"
        part.mkdir()
        whole = {} if config["engine"] == "host" else {"part_of": folder.name}
        write_json(part / CONFIG, {**config, "seeds": [seed], **whole})
    write_json(folder / CONFIG, config)


def _named(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists and is not overwritten: choose another --out, or resume it")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _first_free(base: Path) -> Path:
    number = 1
    while True:
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder
