"""``argmaxq compare``: runs, and settings of studies, as labelled scores, and what is printed of them."""

import json
from collections.abc import Iterator, Mapping, Sequence

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.finals import SAID, final_scores, reaching
from argmaxq.reporting.verdicts import Comparison, compared
from argmaxq.statistics import Estimate
from argmaxq.studies.entries import Entry, entries
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
    listed = entries(sources)
    found, what = _compared(listed, score, target)
    if shape in ("markdown", "latex"):
        yield found.markdown() if shape == "markdown" else found.latex()
        return
    times = {} if threshold is None else {each.label: reaching(each.folders, threshold) for each in listed}
    if shape == "json":
        reached = {label: [each if each < float("inf") else None for each in time[:3]] for label, time in times.items()}
        yield json.dumps(found.to_json() | {"score": what} | ({"reached": reached} if times else {}))
        return
    yield f"{listed[0].env}, {SAID[what]}"
    yield from found.lines()
    yield from _reached(times, threshold)
    yield from (
        f"{each.path} is not finished: what it has so far was compared"
        for each in sources if isinstance(each, Study) and not each.finished
    )  # fmt: skip


def _compared(listed: Sequence[Entry], score: str, target: float | None) -> tuple[Comparison, str]:
    """The comparison of what is on one environment, and the kind of score.

    Raises:
        UserError: they are on different environments, or a seed has no score.
    """
    first, *others = listed
    if odd := [each for each in others if each.env != first.env]:
        raise UserError(
            f"{first.label} is on {first.env} and {odd[0].label} on {odd[0].env}: "
            "their returns cannot be compared, but argmaxq report shows them"
        )
    finals = final_scores({each.label: each.folders for each in listed}, score)
    return compared({label: each.scores for label, each in finals.items()}, target), next(iter(finals.values())).what


def _reached(times: Mapping[str, Estimate], threshold: float | None) -> Iterator[str]:
    for label, time in times.items():
        low, high = (f"{each:,.0f}" if each < float("inf") else "never" for each in time[1:3])
        when = f"by step {time.point:,.0f} [{low}, {high}]" if time.point < float("inf") else "not in these runs"
        yield f"half of the runs of {label} reach {threshold:g} {when}"
