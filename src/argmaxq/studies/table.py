"""The table of a study: a row for each setting, seed and evaluation, made of the runs' records."""

import csv
import io
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.text import number
from argmaxq.runs.files.writing import replace
from argmaxq.runs.records import read
from argmaxq.studies.folder import TABLE, Layout
from argmaxq.studies.plan import Member

NUMBERS = ("step", "episodes", "mean", "std", "min", "max")
"""What is known of an evaluation: the env step, and of its episodes how many and their returns."""
Table = dict[str, np.ndarray]


def table(layout: Layout) -> Table:
    """Columns of equal length: setting, recipe, one for each varied path, seed, and those of evaluations.

    Varied values are numbers where all of a path's are, and else text.
    """
    rows, paths = _rows(layout), list(layout.data["vary"])
    names = ["setting", "recipe", *paths, "seed", *NUMBERS]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return {name: _column(name, values, name in paths) for name, values in columns.items()}


def last_evaluations(found: Table, setting: int) -> list[str]:
    """Of a setting's seeds: how many have an evaluation, up to which step, and the mean and range of the last ones."""
    own = {name: column[found["setting"] == setting] for name, column in found.items()}
    seeds = sorted({*own["seed"].tolist()})
    ends = [np.flatnonzero(own["seed"] == seed)[-1] for seed in seeds]
    if not ends:
        return ["0", "", "", ""]
    means = own["mean"][ends]
    low, middle, high = (number(float(of(means)), means) for of in (np.min, np.mean, np.max))
    return [str(len(seeds)), f"{own['step'][ends].max():,}", middle, f"{low} to {high}"]


def frame(layout: Layout) -> Any:
    """The same as a data frame of pandas; raises UserError where that is not installed."""
    try:
        import pandas
    except ImportError:
        raise UserError("a data frame needs pandas, which is not installed: pip install pandas") from None
    return pandas.DataFrame(table(layout))


def write(layout: Layout) -> None:
    """Make ``table.csv`` anew from the records."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["setting", "recipe", *layout.data["vary"], "seed", *NUMBERS])
    writer.writerows(_rows(layout))
    replace(layout.path / TABLE, text.getvalue().encode())


def _rows(layout: Layout) -> list[list[Any]]:
    found = []
    for place, setting in enumerate(layout.data["settings"]):
        for seed in layout.seeds:
            told = [place, setting["recipe"], *setting["values"].values(), seed]
            evaluations = read(layout.member(Member(place, seed)), "evaluations", *NUMBERS)
            found += [[*told, *(row.get(name) for name in NUMBERS)] for row in evaluations]
    return found


def _column(name: str, values: list[Any], varied: bool) -> np.ndarray:
    if varied:
        try:
            return np.array([float(value) for value in values])
        except ValueError:
            return np.array(values, dtype=str)
    if name in ("setting", "seed", "step", "episodes"):
        return np.array(values, dtype=np.int64)
    return np.array(values, dtype=str) if name == "recipe" else np.array(values, dtype=float)
