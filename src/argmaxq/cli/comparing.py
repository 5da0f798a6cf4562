"""``argmaxq compare``: runs, and settings of studies, as labelled scores, and what is printed of them."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.finals import Score, ended, evaluated, heading, level_scores, reaching
from argmaxq.reporting.verdicts import Comparison, compared
from argmaxq.statistics import Estimate
from argmaxq.studies.entries import Entry, entries, gaps
from argmaxq.studies.study import Study
from argmaxq.verbs.run import Run

FORMATS = ("table", "markdown", "latex", "json")


def comparison_lines(
    sources: Sequence[Run | Study], score: str, shape: str, target: float | None, threshold: float | None
) -> Iterator[str]:
    """What is printed of a comparison, in one of ``FORMATS``.

    Raises:
        UserError: an unknown format, a run named twice, or runs that cannot be compared.
    """
    if shape not in FORMATS:
        raise UserError(f"--format {shape}: there is no such format: {near(shape, FORMATS)}")
    listed = _ready(entries(sources), score)
    missing = gaps(sources, listed)
    found, what, until = _compared(listed, score, target)
    head = f"{listed[0].env}, {heading(what, until)}"
    if shape in ("markdown", "latex"):
        said = "; ".join([head, *found.brackets, *missing])
        yield from [f"{said}.", "", found.markdown()] if shape == "markdown" else [f"% {said}.", found.latex()]
        return
    times = {} if threshold is None else {each.label: reaching(each.folders, threshold) for each in listed}
    if shape == "json":
        reached = {label: [each if each < float("inf") else None for each in time[:3]] for label, time in times.items()}
        told = {"score": what, "until": until, "missing": missing}
        yield json.dumps(found.to_json() | told | ({"reached": reached} if times else {}))
        return
    yield head
    yield from found.lines()
    yield from _reached({each.label: (times[each.label], len(each.folders)) for each in listed if times}, threshold)
    yield from missing
    yield from (
        f"{each.path} is not finished: what it has so far was compared"
        for each in sources if isinstance(each, Study) and not each.finished
    )  # fmt: skip


def _ready(listed: Sequence[Entry], score: str) -> list[Entry]:
    """Without seeds that go on and are not evaluated yet, where evaluations are compared and others have some."""
    if score == "training" or not any(evaluated(each) for entry in listed for each in entry.folders):
        return list(listed)
    kept = [
        entry._replace(folders=tuple(each for each in entry.folders if evaluated(each) or ended(each)))
        for entry in listed
    ]
    return [entry for entry in kept if entry.folders]


def _compared(listed: Sequence[Entry], score: str, target: float | None) -> tuple[Comparison, Score, int | None]:
    """The comparison of what is on one environment, the kind of score, and the step up to which it goes, if any.

    Raises:
        UserError: they are on different environments, or a seed has no score.
    """
    first, *others = listed
    if odd := [each for each in others if each.env != first.env]:
        raise UserError(
            f"{first.label} is on {first.env} and {odd[0].label} on {odd[0].env}: "
            "their returns cannot be compared, but argmaxq report shows them"
        )
    folders = {each.label: each.folders for each in listed}
    finals, until = level_scores(folders, score)
    return compared({label: each.scores for label, each in finals.items()}, target), finals[first.label].what, until


def _reached(times: Mapping[str, tuple[Estimate, int]], threshold: float | None) -> Iterator[str]:
    for label, (time, seeds) in times.items():
        runs, verb = (f"half of the runs of {label}", "reach") if seeds > 1 else (f"the run of {label}", "reaches")
        if math.isinf(time.point):
            none = f"fewer than half of the runs of {label} reach" if seeds > 1 else f"{label} does not reach"
            yield f"{none} {threshold:g} in these steps"
            continue
        low, high = (f"{each:.0f}" if math.isfinite(each) else "never" for each in time[1:3])
        yield f"{runs} {verb} {threshold:g} by step {time.point:.0f}{f' [{low}, {high}]' * (seeds > 1)}"
