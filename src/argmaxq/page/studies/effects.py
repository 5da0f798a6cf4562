"""What each varied value does: scores with that value over all settings of the others, and how far apart values are."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from argmaxq import statistics
from argmaxq.page.chart import Chart, Series
from argmaxq.page.studies.loaded import Cell, Group
from argmaxq.reporting.text import counted
from argmaxq.reporting.verdicts import interval
from argmaxq.statistics import Estimate

RESAMPLES = 1_000


class Effect(NamedTuple):
    """An axis, what each of its values comes to, and by how much the best one is ahead of the worst.

    Attributes:
        axis: Its path, or ``recipe``.
        values: Its values, in order.
        found: An estimate for each.
        difference: Between the greatest and the least of them.
        chart: They, and each combination of the other axes' values on its own.
    """

    axis: str
    values: tuple[str, ...]
    found: tuple[Estimate, ...]
    difference: Estimate
    chart: Chart

    @property
    def words(self) -> str:
        """What it matters, in a sentence."""
        best, worst = (self.values[of([each.point for each in self.found])] for of in (np.argmax, np.argmin))
        if not self.difference.low > 0:
            return f"{best} against {worst}: {interval(self.difference)}, which is not sure yet."
        return f"{best} is better than {worst} by {interval(self.difference)}."


def effects(group: Group, names: Mapping[str, str]) -> list[Effect]:
    """The effect of every axis that has combinations of the others with all of its values; the greatest first."""
    found = (_effect(group, axis, names[axis]) for axis in group.axes)
    return sorted((each for each in found if each is not None), key=lambda each: -each.difference.point)


def _effect(group: Group, axis: str, name: str) -> Effect | None:
    values = group.axes[axis]
    rows = [[group.at({**others, axis: value}) for value in values] for others in group.combinations([axis])]
    whole = [[cell for cell in row if cell is not None] for row in rows]
    whole = [row for row in whole if len(row) == len(values)]
    if not whole:
        return None
    seeds = min(len(cell.scores) for row in whole for cell in row)
    tables = [_table([row[place] for row in whole], seeds) for place in range(len(values))]
    of = "mean" if len(whole) > 1 else "interquartile mean"
    estimate = statistics.mean if len(whole) > 1 else statistics.interquartile_mean
    estimates = tuple(estimate(table, resamples=RESAMPLES) for table in tables)
    best, worst = (int(pick([each.point for each in estimates])) for pick in (np.argmax, np.argmin))
    # Whichever is best and worst is chosen by its scores, so that all pairs of values have to be sure together.
    level = 1 - (1 - statistics.LEVEL) / max(1, len(values) * (len(values) - 1) // 2)
    difference = statistics.improvement(tables[worst], tables[best], of, level, RESAMPLES)
    return Effect(axis, values, estimates, difference, _chart(name, values, estimates, whole, seeds))


def _table(cells: list[Cell], seeds: int) -> np.ndarray:
    """Each seed's mean score over these settings, [seeds].

    Of so many numbers Student's t knows how sure they are, also of two seeds, and whether or not settings of one seed
    are alike; a bootstrap of [seeds, settings] would be far too sure of few seeds.
    """
    return np.mean([cell.scores[:seeds] for cell in cells], axis=0)


def _chart(
    name: str, values: tuple[str, ...], found: tuple[Estimate, ...], whole: list[list[Cell]], seeds: int
) -> Chart:
    at = np.arange(len(values), dtype=float)
    means = [np.array([cell.scores.mean() for cell in row]) for row in whole] if len(whole) > 1 else []
    y, low, high = (np.array([each[k] for each in found]) for k in range(3))
    main = Series(
        "", at, y, kind="marks", low=np.where(np.isfinite(low), low, y), high=np.where(np.isfinite(high), high, y)
    )
    faint = [Series("", at, each, 0, "thin") for each in means]
    many = counted(seeds, "seed")
    told = f"Mean of {len(whole)} settings, {many} each; thin: each of them." if means else f"{many} each."
    return Chart(name, (*faint, main), across=name, note=told, names=values)
