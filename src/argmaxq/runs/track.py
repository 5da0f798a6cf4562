"""One seed's account of a run: its records, its best policy, and whether it goes on."""

import json
import math
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.recipes.stop import Stop
from argmaxq.runs import checkpoint
from argmaxq.runs.records import Records
from argmaxq.runs.report import Report
from argmaxq.trees import flatten
from argmaxq.types import PyTree

RECENT = 100
"""Training episodes that a mean return is over."""

CHECKPOINTS = "checkpoints"
BEST, LAST = "best", "last"
SOLVED, CALLED_OFF, DIVERGED = "solved", "by a callback", "diverged"
"""Why a seed stopped before its last step."""


class Kept(NamedTuple):
    """A policy's arrays and the env step it is of."""

    arrays: dict[str, np.ndarray]
    step: int


class Track:
    """What one seed has done, in a folder of its own.

    Attributes:
        over: Why it stopped, or empty.
        faults: What is no longer a finite number, or what the environment did wrong.
        blamed: Whether it is the environment.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        folder.mkdir(parents=True, exist_ok=True)
        self.records = Records(folder)
        self.returns: deque[float] = deque(maxlen=RECENT)
        self.episodes = 0
        self.step = 0
        self.over = ""
        self.solved_at: int | None = None
        self.best: dict[str, Any] | None = None
        self.metrics: dict[str, float] = {}
        self.faults: list[str] = []
        self.blamed = False
        self._policies: dict[str, Kept] = {}
        self._unsaved: set[str] = set()

    @property
    def mean_return(self) -> float:
        """Mean return of the newest training episodes; NaN before the first has ended."""
        return float(np.mean(self.returns)) if self.returns else math.nan

    def block(self, report: Report) -> None:
        """Record a block's episodes and metrics."""
        rows = []
        for step, value, length in zip(*report.episodes, strict=True):
            self.episodes += 1
            if math.isfinite(value):
                self.returns.append(float(value))
            rows.append({"episode": self.episodes, "step": step, "return": float(value), "length": length})
        self.records.append("episodes", rows)
        self.step, self.metrics = report.step, report.metrics
        row = {"step": report.step, "updates": report.updates, "episodes": self.episodes}
        mean = {"mean_return": self.mean_return} if self.returns else {}
        self.records.append("metrics", [row | mean | report.metrics])
        self.blamed = bool(report.faults)
        learnt = [name for name, value in report.metrics.items() if not math.isfinite(value)]
        self.faults = list(report.faults) or learnt

    def evaluated(self, returns: np.ndarray, params: PyTree) -> None:
        """Record an evaluation, and keep the parameters if no earlier one had a higher mean."""
        row = {"step": self.step, "episodes": len(returns)} | statistics(returns)
        self.records.append("evaluations", [row])
        if math.isfinite(row["mean"]) and (self.best is None or row["mean"] >= self.best["mean"]):
            self.best = {"step": self.step, "mean": row["mean"]}
            self.keep(BEST, params)

    def judge(self, stop: Stop, evaluation: np.ndarray | None) -> None:
        """End this seed where its stopping rule is reached."""
        if stop.reached(tuple(self.returns), evaluation):
            self.over, self.solved_at = SOLVED, self.step

    def keep(self, name: str, params: PyTree) -> None:
        """Hold a policy until the next ``save``; a copy, since training goes on in place."""
        arrays = {key: np.array(leaf) for key, leaf in flatten(params).items()}
        self._policies[name] = Kept(arrays, self.step)
        self._unsaved.add(name)

    def keep_last(self, params: PyTree) -> None:
        """Hold the newest policy, which is the best, too, while there was no evaluation; not if it has diverged."""
        if not all(np.isfinite(leaf).all() for leaf in flatten(params).values()):
            self.faults = ["a parameter"]
            return
        for name in (LAST,) if self.best else (LAST, BEST):
            self.keep(name, params)

    def save(self) -> None:
        """Bring the records and the kept policies to the disk."""
        self.records.flush()
        for name in sorted(self._unsaved):
            arrays, step = self._policies[name]
            checkpoint.save(self.folder / CHECKPOINTS, name, arrays, {"step": step})
        self._unsaved.clear()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What ``restore`` needs: the best policy's arrays, and JSON values."""
        best = self._policies.get(BEST, Kept({}, 0))
        meta = {
            "seed": self.seed,
            "step": self.step,
            "episodes": self.episodes,
            "returns": list(self.returns),
            "over": self.over,
            "solved_at": self.solved_at,
            "best": self.best,
            "best_policy_at": best.step,
            "records": self.records.sizes(),
        }
        return best.arrays, meta

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Go back to a saved moment, the records cut back to it."""
        self.step, self.episodes, self.over = meta["step"], meta["episodes"], meta["over"]
        self.solved_at, self.best = meta["solved_at"], meta["best"]
        self.returns.extend(meta["returns"])
        self.records.cut_back(meta["records"])
        if arrays:
            self._policies[BEST] = Kept(arrays, meta["best_policy_at"])
            self._unsaved.add(BEST)

    def summary(self, finished: bool) -> dict[str, Any]:
        """What became of this seed in a run that has ``finished`` or not."""
        mean = {"mean_return": self.mean_return} if self.returns else {}
        ended = {"stopped": self.over or ("at the last step" if finished else None), "solved_at": self.solved_at}
        return {"seed": self.seed, "step": self.step, "episodes": self.episodes, **mean, "best": self.best, **ended}


def statistics(returns: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, least and greatest return."""
    return {name: float(getattr(returns, name)()) for name in ("mean", "std", "min", "max")}


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
