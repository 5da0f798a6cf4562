"""A seed's records as numbers by env step, as trackers take them."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.runs.records import Record, read

METRICS, EVALUATIONS = "metrics", "evaluations"


class Row(NamedTuple):
    """Numbers of one env step, and of which kind of records they are."""

    step: int
    kind: str
    values: dict[str, float]


def rows(folder: Path, metrics: int, evaluations: int, ended: bool) -> list[Row]:
    """What is recorded after these env steps, in time order.

    A block's metrics ``train/...`` stand beside the means of the episodes that ended in it, ``episode/...``, and the
    wall clock of training ``time/seconds``. Evaluations are ``evaluation/...``.

    Args:
        folder: The seed's.
        metrics: The step up to which metrics are known.
        evaluations: That up to which evaluations are.
        ended: Whether nobody writes records now. Else a block counts once its time is recorded, which is last.

    Raises:
        UserError: a record is damaged.
    """
    seconds = {row["step"]: row["seconds"] for row in read(folder, "times", "step", "seconds")}
    whole = math.inf if ended or not seconds else max(seconds)
    judged = [Row(row["step"], EVALUATIONS, _named("evaluation", row)) for row in read(folder, EVALUATIONS, "step")]
    found = [row for row in judged if row.step > evaluations]
    blocks = [row for row in read(folder, METRICS, "step") if row["step"] <= whole]
    if blocks and blocks[-1]["step"] > metrics:
        found += [row for row in _blocks(folder, blocks, seconds) if row.step > metrics]
    return sorted(found, key=lambda row: row.step)


def _blocks(folder: Path, blocks: Iterable[Record], seconds: Mapping[int, float]) -> list[Row]:
    episodes = read(folder, "episodes", "step", "return", "length")
    steps = np.array([row["step"] for row in episodes])
    found, begin = [], 0
    for block in blocks:
        step = block["step"]
        end = int(np.searchsorted(steps, step, side="right")) if len(episodes) else 0
        time = {"time/seconds": seconds[step]} if step in seconds else {}
        values = _named("train", block) | _means(episodes[begin:end]) | time
        found.append(Row(step, METRICS, values))
        begin = end
    return found


def _means(episodes: list[Record]) -> dict[str, float]:
    """The means over a block's episodes, of those returns that are numbers."""
    columns = {name: [row[name] for row in episodes if row.get(name) is not None] for name in ("return", "length")}
    return {f"episode/{name}": float(np.mean(values)) for name, values in columns.items() if values}


def _named(group: str, row: Mapping[str, Any]) -> dict[str, float]:
    """What of a record are numbers, by their names in a group."""
    numbers = {name: value for name, value in row.items() if type(value) in (int, float) and name != "step"}
    return {f"{group}/{name}": float(value) for name, value in numbers.items()}
