"""The one score of each seed with which runs are compared, from the run folder's records alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.curve import WINDOW
from argmaxq.reporting.pictures import places, trailing_mean
from argmaxq.runs.folder import read_summary
from argmaxq.runs.records import Record, read
from argmaxq.runs.track import PRUNED
from argmaxq.statistics import Estimate, first_reached, time_to_threshold

Score = Literal["final", "best", "training"]
SAID: dict[str, str] = {
    "final": "mean return of each seed's last greedy evaluation",
    "best": "mean return of each seed's best greedy evaluation, the maximum of many",
    "training": f"mean return of each seed's last {WINDOW} training episodes",
}


class Finals(NamedTuple):
    """A run's scores [seeds], and what kind of score they are."""

    scores: np.ndarray
    what: Score


def final_scores(
    folders: Mapping[str, Path | Sequence[Path]], what: str = "", until: int | None = None
) -> dict[str, Finals]:
    """Scores of runs, or of seeds, by label, all of one kind: ``what``, else last evaluations if every seed has one.

    Those of records up to the env step ``until``, or of all.

    Raises:
        UserError: there is no such kind of score, or a seed has none.
    """
    kind = score_kind(folders, what)
    seeds = {label: places(folder, "episodes") for label, folder in folders.items()}
    return {label: Finals(np.array([_score(each, kind, until) for each in own]), kind) for label, own in seeds.items()}


def level_scores(folders: Mapping[str, Path | Sequence[Path]], what: str = "") -> tuple[dict[str, Finals], int | None]:
    """Scores as ``final_scores``, and the env step up to which they are, if any.

    Seeds that are to go on have not come as far as others, so all are scored where the least of them is.

    Raises:
        UserError: there is no such kind of score, or a seed has none.
    """
    kind = score_kind(folders, what)
    until = common_step([each for folder in folders.values() for each in places(folder, "episodes")], kind)
    return final_scores(folders, kind, until), until


def heading(what: Score, until: int | None) -> str:
    """What scores are of, and up to which env step."""
    return f"{SAID[what]}{'' if until is None else f', up to step {until:,}, which all have come to'}"


def score_kind(folders: Mapping[str, Path | Sequence[Path]], what: str = "") -> Score:
    """The kind of score that is asked for, else last evaluations if every seed has one, else training.

    Raises:
        UserError: there is no such kind of score.
    """
    if what and what not in get_args(Score):
        raise UserError(f"score {what}: there is no such score: {near(what, get_args(Score))}")
    if what:
        return what  # type: ignore[return-value]
    seeds = (each for folder in folders.values() for each in places(folder, "episodes"))
    return "final" if all(map(evaluated, seeds)) else "training"


def common_step(seeds: Sequence[Path], what: Score) -> int | None:
    """The last env step by which every seed that is to go on has a score; None where no seed has one of later."""
    last = [max((step for step, _ in _scored(each, what)), default=0) for each in seeds]
    going = [step for each, step in zip(seeds, last, strict=True) if not ended(each)]
    return min(going) if going and max(last) > min(going) else None


def ended(seed: Path) -> bool:
    """Whether a seed has come to its own end: it neither goes on, nor was it broken off for others' sake."""
    summary = read_summary(seed)
    return bool(summary.get("finished")) and all(each["stopped"] != PRUNED for each in summary["seeds"])


def evaluated(seed: Path) -> bool:
    """Whether a seed has an evaluation."""
    return bool(_rows(seed, "evaluations", "mean"))


def reaching(folder: Path | Sequence[Path], threshold: float) -> Estimate:
    """The env step by which half of a run's seeds have an evaluation, or training mean, of ``threshold`` or more."""
    found = [_until(place, threshold) for place in places(folder, "episodes")]
    times, reached = zip(*found, strict=True)
    return time_to_threshold(np.array(times), np.array(reached))


def _until(place: Path, threshold: float) -> tuple[float, bool]:
    """When one seed reached it and True, or when it was over."""
    rows = _rows(place, "evaluations", "mean")
    if not rows:
        rows = _rows(place, "episodes", "return")
        means = trailing_mean(np.array([row["return"] for row in rows], float), WINDOW)
        rows = [{"step": row["step"], "mean": mean} for row, mean in zip(rows, means, strict=True)]
    if not rows:
        raise UserError(f"{place}: no episode has finished there, so there is nothing to compare")
    steps, means = (np.array([row[name] for row in rows], float) for name in ("step", "mean"))
    step = first_reached(steps, means, threshold)
    return (float(steps[-1]), False) if step is None else (step, True)


def _rows(place: Path, kind: str, value: str) -> list[Record]:
    return [row for row in read(place, kind, "step", value) if row.get(value) is not None]


def _scored(place: Path, what: Score) -> list[tuple[int, float]]:
    """Env steps and returns that such a score is made of."""
    kind, value = ("episodes", "return") if what == "training" else ("evaluations", "mean")
    return [(row["step"], row[value]) for row in _rows(place, kind, value)]


def _score(place: Path, what: Score, until: int | None) -> float:
    values = [value for step, value in _scored(place, what) if until is None or step <= until]
    if not values:
        by = "" if until is None else f" by step {until:,}, up to which all can be compared"
        raise UserError(
            f"{place}: no episode has finished there{by}, so there is nothing to compare"
            if what == "training"
            else f"{place}: it was never evaluated{by}: compare with --score training"
        )
    return float(np.mean(values[-WINDOW:]) if what == "training" else values[-1] if what == "final" else max(values))
