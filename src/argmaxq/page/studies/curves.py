"""A study's curves, side by side where they are many, and its performance profiles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from argmaxq import statistics
from argmaxq.page.chart import Chart, Series
from argmaxq.page.curves import EVALUATED, TRAINED, evaluations, extent_of, together
from argmaxq.page.studies.loaded import Cell, Group

COLOURS, CLEAR = 6, 4
"""Lines of one chart at most, and as many as are still clear with their bands."""
MOST = 48
"""Charts of one group."""
THRESHOLDS = 190


class Curves(NamedTuple):
    """Charts with one vertical axis, what is in them, and whether they are small."""

    charts: list[Chart]
    note: str
    small: bool


def curves(group: Group, names: Mapping[str, str]) -> Curves:
    """One chart of few settings; of more a chart for each combination of all axes but one, whose values are lines."""
    judged = all(len(evaluations(cell.curves).x) > 1 for cell in group.cells)
    lines = {cell.label: evaluations(cell.curves) if judged else together([run.line for run in cell.curves])
             for cell in group.cells}  # fmt: skip
    what = EVALUATED if judged else TRAINED
    several = any(len(cell.curves) > 1 for cell in group.cells)
    how = (
        "Lines: interquartile mean over seeds; bands: its 95 % interval." if several else "One seed each: no interval."
    )
    note = f"{what[0].upper()}{what[1:]}. {how}"
    extent = extent_of([run for cell in group.cells for run in cell.curves], judged)
    if colours := _colours(group):
        series = [lines[label]._replace(label=label, colour=colour) for label, colour in colours.items()]
        return Curves([Chart("", tuple(series), up="return", extent=extent)], note, small=False)
    charts = [Chart(title, tuple(series), extent=extent) for title, series in _panels(group, lines, names)]
    left = f" {len(charts) - MOST} more charts are left out." if len(charts) > MOST else ""
    return Curves(charts[:MOST], f"{note} All charts have the same vertical axis.{left}", small=True)


def profiles(group: Group, ranked: Sequence[Cell]) -> Chart:
    """The share of runs above each score, of the best few settings of ``ranked``; a run-score distribution."""
    shown = ranked[:CLEAR]
    ends = np.unique(np.concatenate([cell.scores for cell in ranked]))
    low, high = float(ends[0]), float(ends[-1])
    within = ends if len(ends) <= THRESHOLDS else np.linspace(low, high, THRESHOLDS)
    at = np.array([low - 0.02 * (high - low), *within])
    series = []
    colours = _colours(group) or {cell.label: place for place, cell in enumerate(shown, start=1)}
    for cell in shown:
        found = statistics.performance_profile(cell.scores, at, resamples=400)
        edges = (_steps(found.low), _steps(found.high)) if len(cell.scores) > 1 else (None, None)
        across = np.repeat(at, 2)[1:]
        series.append(Series(cell.label, across, _steps(found.share), colours[cell.label], low=edges[0], high=edges[1]))
    best = f" The best {len(shown)} of {len(ranked)} settings." if len(ranked) > len(shown) else ""
    note = f"The share of runs that score more; further up and right is better. Bands: 95 % intervals.{best}"
    return Chart(
        "Performance profiles", tuple(series), "score", "share of runs", note, extent=(0.0, 1.0), start=float(at[0])
    )


def _steps(values: np.ndarray) -> np.ndarray:
    """Values [n] that each hold up to the next one, as the corners [2 n - 1] of a line."""
    return np.repeat(values, 2)[:-1]


def _colours(group: Group) -> dict[str, int]:
    """Each setting's colour, where one chart shows them all; else none."""
    one_chart = len(group.cells) <= CLEAR or (len(group.axes) == 1 and len(group.cells) <= COLOURS)
    return {cell.label: colour for colour, cell in enumerate(group.cells, start=1)} if one_chart else {}


def _panels(group: Group, lines: Mapping[str, Series], names: Mapping[str, str]) -> Iterator[tuple[str, list[Series]]]:
    """The charts' titles and lines; a chart for each setting where every axis has too many values for one."""
    fitting = {axis: values for axis, values in group.axes.items() if len(values) <= COLOURS}
    if not fitting:
        yield from ((cell.label, [lines[cell.label]._replace(label=cell.label)]) for cell in group.cells)
        return
    clear = [axis for axis, values in fitting.items() if len(values) <= CLEAR]
    coloured = (
        max(clear, key=lambda axis: len(fitting[axis])) if clear else min(fitting, key=lambda axis: len(fitting[axis]))
    )
    for others in group.combinations([coloured]):
        there = [(k, value, group.at({**others, coloured: value})) for k, value in enumerate(fitting[coloured], 1)]
        series = [
            lines[cell.label]._replace(label=f"{names[coloured]} {value}", colour=k)
            for k, value, cell in there
            if cell is not None
        ]
        if series:
            yield ", ".join(f"{names[axis]} {value}" for axis, value in others.items()), series
