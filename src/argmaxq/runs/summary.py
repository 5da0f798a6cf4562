"""What became of a run, as ``summary.json`` holds it."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from argmaxq.runs.track import SOLVED, Track, statistics

Summary = dict[str, Any]


def summarise(tracks: Sequence[Track], steps: int, seconds: float, step: int, finished: bool) -> Summary:
    """Seeds trained together: wall clock, env steps of all lanes and seeds per second, and what became of each.

    Args:
        tracks: The seeds.
        steps: Env steps each was to do.
        seconds: Wall clock of training.
        step: Env steps each has done.
        finished: Whether nothing is left to do.
    """
    return _summary([track.summary(finished) for track in tracks], seconds, step, steps, finished)


def joined(
    parts: Sequence[Summary], steps: int, finished: bool, over_all: Callable[[Iterable[float]], float] = math.fsum
) -> Summary:
    """Runs made one after another, each of which was to do ``steps`` env steps; ``over_all`` makes one of their times.

    That is ``max`` where they were made side by side.
    """
    seconds = over_all(part["training_seconds"] for part in parts)
    step = max((part["step"] for part in parts), default=0)
    of_each = [seed for part in parts for seed in part["seeds"]]
    return _summary(of_each, seconds, step, steps, finished)


def complete(summary: Summary, steps: int) -> bool:
    """Whether nothing is left to do in a run of so many env steps: it has finished, and not with fewer to do."""
    if not summary.get("finished"):
        return False
    return summary["steps"] >= steps or all(seed["stopped"] == SOLVED for seed in summary["seeds"])


def _summary(seeds: list[Summary], seconds: float, step: int, steps: int, finished: bool) -> Summary:
    done = sum(seed["step"] for seed in seeds)
    rate = {"training_seconds": round(seconds, 3), "steps_per_second": round(done / seconds, 1) if seconds else 0.0}
    bests = np.array([seed["best"]["mean"] for seed in seeds if seed["best"]])
    best = {"best": statistics(bests)} if len(bests) else {}
    return {"finished": finished, "step": step, "steps": int(steps), **rate, **best, "seeds": seeds}
