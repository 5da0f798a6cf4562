"""A run's folder: made, described by its configuration, and read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.runs import formats
from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.writing import own_folder, replace

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
    except UserError:
        raise
    except ValueError as error:  # a name that holds what no name can, such as a null byte
        raise UserError(f"{str(out)!r}: no folder can be called so ({error})") from None


def write_configs(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``config.json``, and with several seeds each one's own folder with its own.

    Raises:
        Unwritable: the system refuses.
    """
    seeds = config["seeds"] if len(config["seeds"]) > 1 else []
    for seed in seeds:
        whole = {} if config["engine"] == "host" else {"part_of": folder.name}
        write_json(own_folder(seed_folder(folder, seed)) / CONFIG, {**config, "seeds": [seed], **whole})
    write_json(folder / CONFIG, config)


def read_config(folder: Path) -> dict[str, Any]:
    """What a run's folder says of it, every part that anything relies on checked.

    Raises:
        UserError: it is no run folder, or its configuration is damaged; one line says where.
    """
    file = folder / CONFIG
    if (kind := _no_folder(folder)) and not os.path.lexists(file):
        raise UserError(f"{folder} is no run folder: {kind}")
    try:
        config = formats.checked(formats.CONFIG, read_json(file), file)
    except FileNotFoundError:
        raise UserError(f"{folder} is no run folder: it has no {CONFIG}") from None
    return dict(config)


def read_summary(folder: Path) -> dict[str, Any]:
    """What became of a run; empty before it first stopped.

    Raises:
        UserError: it is damaged; one line says where.
    """
    file = folder / SUMMARY
    try:
        return dict(formats.checked(formats.SUMMARY, read_json(file), file))
    except FileNotFoundError:
        return {}


def seed_folder(folder: Path, seed: int) -> Path:
    """Where one of several seeds has its own folder."""
    return folder / f"seed-{seed}"


def check_seed(config: Mapping[str, Any], part: Mapping[str, Any], folder: Path, seed: int) -> None:
    """Check that a seed's folder is of the run that it lies in.

    Raises:
        UserError: a link lies there, or what it says of itself is another seed's or another run's.
    """
    if folder.is_symlink():
        raise UserError(f"{folder} is a link, which is not followed: put the seed's folder in its place")
    same = part.get("id") == config.get("id") and part["recipe"]["env"] == config["recipe"]["env"]
    if part["seeds"] != [seed] or part["engine"] != config["engine"] or not same:
        raise UserError(f"{folder} is not seed {seed} of {folder.parent}: put back this run's own")


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file whole or not at all; raises Unwritable."""
    replace(path, (json.dumps(data, indent=1) + "\n").encode())


def _no_folder(path: Path) -> str:
    """What lies at a path that is no folder, in words; empty for a folder."""
    if os.path.isdir(path):
        return ""
    return "it is a file" if os.path.lexists(path) else "it does not exist"


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
