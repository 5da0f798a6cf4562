"""``argmaxq compare``: runs as labelled scores, and what is printed of them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.finals import SAID, final_scores, reaching
from argmaxq.reporting.text import environment
from argmaxq.reporting.verdicts import Comparison, compared
from argmaxq.statistics import Estimate
from argmaxq.verbs.run import Run

FORMATS = ("table", "markdown", "latex", "json")


def comparison_lines(
    runs: list[Run], score: str, shape: str, target: float | None, threshold: float | None
) -> Iterator[str]:
    """What is printed of a comparison, in one of ``FORMATS``.

    Raises:
        UserError: an unknown format, a run named twice, or runs that cannot be compared.
    """
    if shape not in FORMATS:
        raise UserError(f"--format {shape}: there is no such format: {near(shape, FORMATS)}")
    found, what = compare_runs(runs, score, target)
    if shape in ("markdown", "latex"):
        yield found.markdown() if shape == "markdown" else found.latex()
        return
    times = {} if threshold is None else {str(run.path): reaching(run.path, threshold) for run in runs}
    if shape == "json":
        reached = {label: [each if each < float("inf") else None for each in time[:3]] for label, time in times.items()}
        yield json.dumps(found.to_json() | {"score": what} | ({"reached": reached} if times else {}))
        return
    yield f"{environment(runs[0].config)}, {SAID[what]}"
    yield from found.lines()
    yield from _reached(times, threshold)


def compare_runs(runs: list[Run], score: str = "", target: float | None = None) -> tuple[Comparison, str]:
    """The comparison of runs on one environment, labelled by their folders, and the kind of score.

    Raises:
        UserError: one is named twice, they are on different environments, or a seed has no score.
    """
    folders: dict[str, Path] = {}
    for run in runs:
        if str(run.path) in folders:
            raise UserError(f"{run.path} is named twice")
        folders[str(run.path)] = run.path
    first, *others = runs
    if odd := [each for each in others if environment(each.config) != environment(first.config)]:
        raise UserError(
            f"{first.path} is on {environment(first.config)} and {odd[0].path} on {environment(odd[0].config)}: "
            "their returns cannot be compared"
        )
    finals = final_scores(folders, score)
    return compared({label: each.scores for label, each in finals.items()}, target), next(iter(finals.values())).what


def _reached(times: Mapping[str, Estimate], threshold: float | None) -> Iterator[str]:
    for label, time in times.items():
        low, high = (f"{each:,.0f}" if each < float("inf") else "never" for each in time[1:3])
        when = f"by step {time.point:,.0f} [{low}, {high}]" if time.point < float("inf") else "not in these runs"
        yield f"half of the runs of {label} reach {threshold:g} {when}"
