"""A run's records as charts: learning, evaluations, schedules, health."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from argmaxq import statistics
from argmaxq.page.chart import Chart, Series
from argmaxq.reporting.curve import WINDOW, Run, averaged, load_run
from argmaxq.reporting.health import LETTERS, OURS, PANELS, SCHEDULES, SIGNED, Panel
from argmaxq.reporting.health import unmeasured as why_unmeasured
from argmaxq.reporting.pictures import Line, line_of, places
from argmaxq.runs.records import Record, read

POINTS = 150
"""Env steps at which several seeds are put together."""
EVALUATED, TRAINED = "greedy evaluations", f"training, mean of {WINDOW} episodes"
BAND = "line: interquartile mean; band: its 95 % interval"
MOST = 24
"""Health charts of a user's own numbers."""


def learning(folder: Path) -> Chart:
    """Return against env steps: of one seed every episode, their trailing mean and evaluations; of several, intervals.

    Raises:
        UserError: no episode has finished, or a record is damaged.
    """
    runs = [load_run(place) for place in places(folder, "episodes")]
    if len(runs) == 1:
        return Chart("Return while it learnt", _one(runs[0]), up="return", note=_said_of_one(runs[0]))
    trained, evaluated = together([run.line for run in runs]), evaluations(runs)
    faint = [Series("", *run.line, 0, "thin") for run in runs]
    series = [*faint, *((trained._replace(label=TRAINED),) if len(trained.x) else ())]
    series += [evaluated._replace(label=EVALUATED, colour=2)] if len(evaluated.x) else []
    note = f"Lines: interquartile mean of {len(runs)} seeds; bands: its 95 % interval. Thin: single seeds in training."
    return Chart("Return while it learnt", tuple(series), up="return", note=note)


def overlaid(folders: Mapping[str, Path | Sequence[Path]]) -> Chart:
    """The curves of several runs: evaluations where all have some, else training."""
    loaded = {label: [load_run(place) for place in places(folder, "episodes")] for label, folder in folders.items()}
    judged = all(len(evaluations(runs).x) > 1 for runs in loaded.values())
    lines = [evaluations(runs) if judged else together([run.line for run in runs]) for runs in loaded.values()]
    series = [
        line._replace(label=label, colour=1 + k % 6) for k, (label, line) in enumerate(zip(loaded, lines, strict=True))
    ]
    note = f"{EVALUATED if judged else TRAINED}. Lines: interquartile mean over seeds; bands: its 95 % interval."
    extent = extent_of([run for runs in loaded.values() for run in runs], judged)
    return Chart("Curves", tuple(series), up="return", note=note[0].upper() + note[1:], extent=extent)


def extent_of(runs: Sequence[Run], judged: bool) -> tuple[float, float]:
    """The range of single seeds' values: intervals of very few seeds go far beyond it, and would flatten all lines."""
    values = np.concatenate([run.evaluations["mean"] if judged else run.line.values for run in runs])
    return float(values.min()), float(values.max())


def together(lines: Sequence[Line]) -> Series:
    """Lines of several seeds, each of which keeps its last value, as one with an interval."""
    there = [line for line in lines if len(line.steps)]
    if not there:
        return Series("", np.zeros(0), np.zeros(0))
    steps = np.linspace(max(line.steps[0] for line in there), max(line.steps[-1] for line in there), POINTS)
    return located("", steps, np.array([np.interp(steps, *line) for line in there]))


def evaluations(runs: Sequence[Run]) -> Series:
    """Mean evaluation returns at the env steps where over half of the seeds have one, as one line with an interval."""
    found: dict[float, list[float]] = {}
    for run in runs:
        for step, mean in zip(run.evaluations["step"], run.evaluations["mean"], strict=True):
            found.setdefault(float(step), []).append(float(mean))
    shared = {step: means for step, means in sorted(found.items()) if 2 * len(means) > len(runs)}
    whole = [located("", np.array([step]), np.array([means]).T) for step, means in shared.items()]
    if not whole:
        return Series("", np.zeros(0), np.zeros(0))
    y, low, high = (np.concatenate([getattr(each, name) for each in whole]) for name in ("y", "low", "high"))
    return Series("", np.array(list(shared)), y, low=low, high=high)


def located(label: str, steps: np.ndarray, values: np.ndarray) -> Series:
    """Interquartile means and intervals over the seeds of values [seeds, steps]; few resamples, as it is a picture."""
    found = [statistics.interquartile_mean(column, resamples=400) for column in values.T]
    y, low, high = (np.array([each[k] for each in found]) for k in range(3))
    return Series(label, steps, y, low=np.where(np.isfinite(low), low, y), high=np.where(np.isfinite(high), high, y))


def schedules(folder: Path) -> list[Chart]:
    """What was annealed."""
    return [_panel(panel, rows) for panel in PANELS if panel.name in SCHEDULES and (rows := _with(folder, panel))]


def health(folder: Path) -> list[Chart]:
    """Every diagnostic that was recorded, with what is normal, and a user's own numbers after them."""
    known = [panel for panel in PANELS if panel.name not in SCHEDULES]
    rows = [read(place, "metrics", "step") for place in places(folder, "metrics")]
    names = dict.fromkeys(name for own in rows for row in own for name in row if name not in OURS)
    own = [Panel(name, name if len(name) <= LETTERS else f"{name[:LETTERS]}…") for name in names][:MOST]
    losses = [Panel(name, called) for name, called in (("loss", "loss"), ("q", "mean Q of what is learnt from"))]
    return [_panel(panel, found) for panel in [*known, *losses, *own] if (found := _with(folder, panel))]


def unmeasured(folder: Path) -> str:
    """Why a short run lacks some diagnostics; empty where it does not."""
    found = places(folder, "metrics")
    return why_unmeasured(found[0], [read(place, "metrics", "step") for place in found])


def _with(folder: Path, panel: Panel) -> list[list[Record]]:
    """Each seed's rows, if any holds this metric."""
    rows = [read(place, "metrics", "step", panel.name, *panel.band) for place in places(folder, "metrics")]
    return rows if any(row.get(panel.name) is not None for own in rows for row in own) else []


def _panel(panel: Panel, rows: Sequence[Sequence[Record]]) -> Chart:
    lines = [line for own in rows if len((line := line_of(own, panel.name)).steps)]
    if len(lines) == 1:
        series = [_banded(panel, next(own for own in rows if len(line_of(own, panel.name).steps)), lines[0])]
    else:
        series = [*(Series("", *line, 0, "thin") for line in lines), together(lines)._replace(label=panel.called)]
    missing = sum(row[panel.name] is None for own in rows for row in own if panel.name in row)
    banded = series[0].low is not None or len(lines) > 1
    said = [
        f"normal: {panel.healthy}" if panel.healthy else "",
        (panel.banded if len(lines) == 1 else BAND) if banded else "",
        f"{missing} points are no numbers" if missing else "",
    ]
    signed = panel.name in SIGNED
    return Chart(
        panel.called, tuple(series), note="; ".join(filter(None, said)), within=panel.within,
        zero=panel.name == "q_bias",
        positive=not signed, logarithmic=not signed and panel.within is None and panel.name not in SCHEDULES,
    )  # fmt: skip


def _banded(panel: Panel, rows: Sequence[Record], line: Line) -> Series:
    edges = [line_of(rows, name) for name in panel.band]
    if not edges or any(len(edge.steps) != len(line.steps) for edge in edges):
        return Series(panel.called, *line)
    first = edges[0].values
    low, high = (first, edges[1].values) if len(edges) == 2 else (line.values - first, line.values + first)
    return Series(panel.called, *line, low=low, high=high)


def _one(run: Run) -> tuple[Series, ...]:
    series = [
        Series("episode", run.steps, run.returns, 0, "dots"),
        Series(f"training, mean of {averaged([run])}", *run.line),
    ]
    if run.best is not None:
        found = run.evaluations
        series.append(
            Series(EVALUATED, found["step"], found["mean"], 2, "marks", low=found["min"], high=found["max"])
        )  # fmt: skip
    return tuple(series)


def _said_of_one(run: Run) -> str:
    marks = " Marks: greedy evaluations, from their least to their greatest return." if run.best is not None else ""
    return f"Dots: episodes as they were trained on. Line: mean of the last {averaged([run])}.{marks}"
