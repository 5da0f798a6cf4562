"""Saving what was measured as a file that a page can show: ``--save docs/measurements/NAME.json``."""

import argparse
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from typing import Any

from measure import HERE

PACKAGES = ("argmaxq", "jax", "flax", "optax", "gymnasium", "envpool", "torch", "stable-baselines3", "numpy")


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark take ``--save``."""
    parser.add_argument("--save", type=_new, metavar="FILE", help="a new file for what is measured, .json")


def save(
    path: Path | None, protocol: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], samples: Any
) -> None:
    """Write a table and every sample behind it; nothing where no file was asked for.

    Args:
        path: What ``--save`` named.
        protocol: How it was measured.
        columns: Headings by the rows' keys.
        rows: The table's lines.
        samples: What the figures were made of, as JSON can hold it.
    """
    if path is None:
        return
    data = {"protocol": protocol, **about(), "columns": dict(columns), "rows": list(rows), "samples": samples}
    path.write_text(json.dumps(data, indent=2) + "\n")
    print(f"Written to {path}")


def about() -> dict[str, Any]:
    """By which command, when, where and with what it was measured."""
    return {
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": cpu_count(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _new(text: str) -> Path:
    path = Path(text)
    if path.suffix != ".json" or path.exists() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: it must be a new file .json in a folder that there is")
    return path


def _commit() -> str:
    """The commit that the code is of, and whether it was changed since; empty outside of a clone."""
    described = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(described, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
