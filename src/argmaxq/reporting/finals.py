"""The one score of each seed with which runs are compared, from the run folder's records alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.curve import WINDOW
from argmaxq.reporting.pictures import places, trailing_mean
from argmaxq.runs.records import read
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


def final_scores(folders: Mapping[str, Path | Sequence[Path]], what: str = "") -> dict[str, Finals]:
    """Scores of runs, or of seeds, by label, all of one kind: ``what``, else last evaluations if every seed has one.

    Raises:
        UserError: there is no such kind of score, or a seed has none.
    """
    if what and what not in get_args(Score):
        raise UserError(f"score {what}: there is no such score: {near(what, get_args(Score))}")
    seeds = {label: places(folder, "episodes") for label, folder in folders.items()}
    kind: Score = what or ("final" if all(_means(each).size for own in seeds.values() for each in own) else "training")  # type: ignore[assignment]
    return {label: Finals(np.array([_score(each, kind) for each in own]), kind) for label, own in seeds.items()}


def reaching(folder: Path | Sequence[Path], threshold: float) -> Estimate:
    """The env step by which half of a run's seeds have an evaluation, or training mean, of ``threshold`` or more."""
    found = [_until(place, threshold) for place in places(folder, "episodes")]
    times, reached = zip(*found, strict=True)
    return time_to_threshold(np.array(times), np.array(reached))


def _until(place: Path, threshold: float) -> tuple[float, bool]:
    """When one seed reached it and True, or when it was over."""
    rows = [row for row in read(place, "evaluations", "step", "mean") if row.get("mean") is not None]
    if not rows:
        rows = [row for row in read(place, "episodes", "step", "return") if row.get("return") is not None]
        means = trailing_mean(np.array([row["return"] for row in rows], float), WINDOW)
        rows = [{"step": row["step"], "mean": mean} for row, mean in zip(rows, means, strict=True)]
    if not rows:
        raise UserError(f"{place}: no episode has finished there, so there is nothing to compare")
    steps, means = (np.array([row[name] for row in rows], float) for name in ("step", "mean"))
    step = first_reached(steps, means, threshold)
    return (float(steps[-1]), False) if step is None else (step, True)


def _means(place: Path) -> np.ndarray:
    rows = read(place, "evaluations", "step", "mean")
    return np.array([row["mean"] for row in rows if row.get("mean") is not None], float)


def _score(place: Path, what: Score) -> float:
    if what == "training":
        returns = [row["return"] for row in read(place, "episodes", "step", "return") if row.get("return") is not None]
        if not returns:
            raise UserError(f"{place}: no episode has finished there, so there is nothing to compare")
        return float(np.mean(returns[-WINDOW:]))
    means = _means(place)
    if not means.size:
        raise UserError(f"{place}: it was never evaluated: compare with --score training")
    return float(means[-1] if what == "final" else means.max())
