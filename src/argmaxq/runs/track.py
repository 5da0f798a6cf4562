"""One seed's account of a run: its records, its best policy, and whether it goes on."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.recipes.stop import RECENT, Stop
from argmaxq.runs import checkpoint, kept
from argmaxq.runs.records import Record, Records, read
from argmaxq.runs.report import Finished, Report
from argmaxq.trees import flatten
from argmaxq.types import Clock, PyTree

CHECKPOINTS = "checkpoints"
BEST, LAST, START = "best", "last", "start"
POLICIES = (BEST, LAST, START)
"""Checkpoints of a policy alone; ``start`` is what a run began with that started from another one's network."""
NOTHING: Mapping[str, float] = {}
SOLVED, CALLED_OFF, DIVERGED, PRUNED = "solved", "by a callback", "diverged", "beaten by others"
"""Why a seed stopped before its last step."""


class Kept(NamedTuple):
    """A policy's arrays and the env step it is of."""

    arrays: dict[str, np.ndarray]
    step: int


class Track:
    """What one seed has done, in a folder of its own; ``most`` policies are kept on the way.

    Attributes:
        run: The identity of the run that it belongs to; None in those of early versions.
        over: Why it stopped, or empty.
        learnt_until: The env step from which on updates change nothing, if there is one.
        faults: What is no longer a finite number, or what the environment did wrong.
        blamed: Whether it is the environment.
        cut: Episodes of evaluations that had no end, since this process began.
        evaluations: How many there were; the newest one was at step ``evaluated_at``, of mean return ``evaluation``.
        confirmed: Whether it reached what the stopping rule asks for, where that has stopped this seed.
    """

    def __init__(self, folder: Path, seed: int, run: str | None = None, most: int = 0) -> None:
        self.folder, self.seed, self.run, self._most = folder, seed, run, most
        self.records = Records(folder)
        self.returns: deque[float] = deque(maxlen=RECENT)
        self.episodes = 0
        self.step = self.updates = 0
        self.over = ""
        self.solved_at: int | None = None
        self.best: dict[str, Any] | None = None
        self.evaluations = self.cut = 0
        self.evaluated_at: int | None = None
        self.evaluation: float | None = None
        self.confirmed: bool | None = None
        self.learnt_until: int | None = None
        self.metrics: dict[str, float] = {}
        self.faults: list[str] = []
        self.blamed = False
        self._row: Record = {}
        self._policies: dict[str, Kept] = {}
        self._unsaved: set[str] = set()

    @property
    def mean_return(self) -> float:
        """Mean return of the newest training episodes; NaN before the first has ended."""
        return float(np.mean(self.returns)) if self.returns else math.nan

    def clock(self, total: int) -> Clock:
        """What schedules count, at the newest block's end of a run that is to have ``total`` env steps."""
        return Clock(self.step, self.episodes, self.updates, total)

    @property
    def unjudged(self) -> bool:
        """Whether a callback stopped this seed at a step at which it was not evaluated."""
        return self.over == CALLED_OFF and self.evaluated_at != self.step

    def begin(self, params: Callable[[], PyTree]) -> None:
        """Begin with these parameters: what a run left that never came to a checkpoint is dropped."""
        self.records.cut_back({})
        kept.drop(self.folder / CHECKPOINTS, set())
        if self._most:
            self.keep_on_the_way(params())

    def ended(self, report: Report) -> None:
        """Record the episodes of a block, or of a part of one."""
        rows = []
        self.step = report.step
        for step, value, length in zip(*report.episodes, strict=True):
            self.episodes += 1
            if math.isfinite(value):
                self.returns.append(float(value))
            rows.append({"episode": self.episodes, "step": step, "return": float(value), "length": length})
        self.records.append("episodes", rows)

    def reported(self, step: int) -> Report:
        """What was recorded of the block that began at ``step`` and is not whole yet; metrics come with the rest."""
        rows = [row for row in read(self.folder, "episodes", "step", "return", "length") if row["step"] > step]
        returns = np.array([math.nan if row["return"] is None else row["return"] for row in rows], np.float32)
        steps, lengths = (np.array([row[name] for row in rows], np.int64) for name in ("step", "length"))
        return Report(self.step, self.updates, Finished(steps, returns, lengths), {})

    def block(self, report: Report, measured: Mapping[str, float] = NOTHING) -> None:
        """Record a whole block's metrics, and what was measured at its end, which may be no number."""
        self._record()
        self.updates, self.metrics = report.updates, report.metrics
        row = {"step": report.step, "updates": report.updates, "episodes": self.episodes}
        mean = {"mean_return": self.mean_return} if self.returns else {}
        self._row = {**row, **mean, **report.metrics, **measured}
        self.blamed, self.faults = bool(report.faults), faults(report)

    def note(self, values: Mapping[str, float]) -> None:
        """Add a user's own numbers to the newest block's metrics; to those of a seed that is over, nothing.

        Raises:
            UserError: one has the name of something else.
        """
        if taken := [name for name in values if name in self._row]:
            raise UserError(
                f"a callback gives {taken[0]!r}, which is another number's name already: choose another one"
            )
        self._row |= values if self._row else {}

    def _record(self) -> None:
        """Hand the newest block's metrics, complete by now, to the records."""
        if self._row:
            self.records.append("metrics", [self._row])
        self._row = {}

    def evaluated(self, returns: np.ndarray, params: PyTree, cut: int = 0) -> None:
        """Record an evaluation, and keep the parameters if no earlier one had a higher mean.

        ``cut`` of its episodes had no end.
        """
        self.cut += cut
        endless = {"cut": cut} if cut else {}
        row = {"step": self.step, "episodes": len(returns)} | statistics(returns) | endless
        self.records.append("evaluations", [row])
        self.evaluations, self.evaluated_at = self.evaluations + 1, self.step
        self.evaluation = row["mean"] if math.isfinite(row["mean"]) else None
        if self.evaluation is not None and (self.best is None or self.evaluation >= self.best["mean"]):
            self.best = {"step": self.step, "mean": self.evaluation} | endless
            self.keep(BEST, params)
        if self.evaluation is not None:
            self.keep_on_the_way(params)

    def judge(self, stop: Stop, evaluation: np.ndarray | None) -> None:
        """End this seed where its stopping rule is reached; an evaluation of its policy may confirm that."""
        if not stop.reached(tuple(self.returns), evaluation):
            return
        self.over, self.solved_at = SOLVED, self.step
        threshold = getattr(stop, "threshold", None)
        if threshold is not None and evaluation is not None:
            self.confirmed = bool(np.mean(evaluation) >= threshold)

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

    def keep_on_the_way(self, params: PyTree) -> None:
        """Hold the policy of an evaluation just made, or of step 0, if it is one of those that are kept."""
        if self._most and self.evaluations % kept.distance(self.evaluations, self._most) == 0:
            self.keep(kept.name_of(self.step), params)

    def save(self) -> None:
        """Bring the records and the held policies to the disk."""
        self._record()
        self.records.flush()
        folder = self.folder / CHECKPOINTS
        for name in sorted(self._unsaved):
            arrays, step = self._policies[name]
            meta = {"step": step, "run": self.run, "seeds": [self.seed]}
            checkpoint.save(folder, name, arrays, meta)
        self._unsaved.clear()
        self._policies = {name: policy for name, policy in self._policies.items() if name in POLICIES}
        if self._most:
            kept.drop(
                folder, kept.wanted([row["step"] for row in read(self.folder, "evaluations", "step")], self._most)
            )

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What ``restore`` needs: the best policy's arrays, and JSON values."""
        best = self._policies.get(BEST, Kept({}, 0))
        meta = {
            "seed": self.seed,
            "step": self.step,
            "episodes": self.episodes,
            "updates": self.updates,
            "returns": list(self.returns),
            "over": self.over,
            "solved_at": self.solved_at,
            "learnt_until": self.learnt_until,
            "best": self.best,
            "best_policy_at": best.step,
            "evaluations": self.evaluations,
            "evaluated_at": self.evaluated_at,
            "evaluation": self.evaluation,
            "confirmed": self.confirmed,
            "records": self.records.sizes(),
        }
        return best.arrays, meta

    def restore(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
        """Go back to a saved moment, the records cut back to it."""
        self.step, self.episodes, self.over = meta["step"], meta["episodes"], meta["over"]
        self.solved_at, self.best = meta["solved_at"], meta["best"]
        self.learnt_until, self.updates = meta.get("learnt_until"), meta.get("updates", 0)
        self.returns.extend(meta["returns"])
        self.records.cut_back(meta["records"])
        kept.drop(self.folder / CHECKPOINTS, set(), self.step)
        # Runs of earlier versions did not count them.
        self.evaluations = meta["evaluations"] if "evaluations" in meta else len(read(self.folder, "evaluations"))
        self.evaluated_at, self.evaluation = meta.get("evaluated_at"), meta.get("evaluation")
        self.confirmed = meta.get("confirmed")
        if arrays:
            self._policies[BEST] = Kept(arrays, meta["best_policy_at"])
            self._unsaved.add(BEST)

    def summary(self, finished: bool) -> dict[str, Any]:
        """What became of this seed in a run that has ``finished`` or not."""
        mean = {"mean_return": self.mean_return} if self.returns else {}
        best = self.best and self.best | {"of_selecting_evaluations": self.evaluations}
        final = {"final_evaluation": self.evaluation if self.evaluated_at == self.step else None}
        confirmed = {} if self.solved_at is None else {"confirmed": self.confirmed}
        ended = {"stopped": self.over or ("at the last step" if finished else None), "solved_at": self.solved_at}
        still = {} if self.learnt_until is None else {"learnt_until": self.learnt_until}
        done = {"seed": self.seed, "step": self.step, "episodes": self.episodes, "updates": self.updates}
        return {**done, **mean, "best": best, **final, **ended, **confirmed, **still}


def faults(report: Report) -> list[str]:
    """What the environment did wrong, or else what is no longer a finite number."""
    return list(report.faults) or [name for name, value in report.metrics.items() if not math.isfinite(value)]


def statistics(returns: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, least and greatest return."""
    return {name: float(getattr(returns, name)()) for name in ("mean", "std", "min", "max")}
