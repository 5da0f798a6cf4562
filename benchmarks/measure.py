"""Running measured programs, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Sample = dict[str, float]


def script(path: str, *arguments: object) -> dict[str, Any]:
    """The JSON that a benchmark script prints as its last line, and ``wall_seconds`` of its whole process."""
    output, seconds = _timed([sys.executable, str(HERE / path), *map(str, arguments)], {})
    return {**json.loads(output.splitlines()[-1]), "wall_seconds": seconds}


def train(recipe: str, run: Path, cache: Path, *options: object) -> dict[str, Any]:
    """The summary of ``argmaxq train``, and ``wall_seconds`` of its whole process.

    Nothing but training: no evaluations, checkpoints or diagnostics on the way, and no early stop.
    """
    only_training = ("--evaluation.every", 0, "--checkpoint-every", 0, "--diagnostics.every", 0, "--stop", "never")
    command = [_argmaxq(), "train", recipe, "--out", run, *only_training, *options]
    _, seconds = _timed(list(map(str, command)), {"ARGMAXQ_CACHE_DIR": str(cache)})
    return {**json.loads((run / "summary.json").read_text()), "wall_seconds": seconds}


def final_returns(run: Path, cache: Path, episodes: int) -> list[float]:
    """Mean greedy return of the last checkpoint of each of a run's seeds."""
    command = [_argmaxq(), "evaluate", run, "--checkpoint", "last", "--episodes", episodes, "--json"]
    output, _ = _timed(list(map(str, command)), {"ARGMAXQ_CACHE_DIR": str(cache)})
    found = json.loads(output)
    return [float(each["mean"]) for each in found.get("seeds", [found])]


def _argmaxq() -> Path:
    return Path(sys.executable).with_name("argmaxq")


def _timed(command: list[str], environment: dict[str, str]) -> tuple[str, float]:
    begin = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stderr[-2000:]}")
    return done.stdout, seconds
