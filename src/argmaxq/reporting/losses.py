"""The losses of a run, or of one recipe's many seeds, drawn from the run folder's records alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.pictures import (
    LINE,
    WIDTH,
    Line,
    draw_points,
    draw_seeds,
    dress_steps,
    head,
    limits,
    line_of,
    logarithmic,
    new_figure,
    places,
    save,
    title,
)
from argmaxq.runs.records import read

PANELS = {"loss": "Q loss", "actor_loss": "actor loss"}
"""A metric -> what it is called."""
WINDOW = 5


def draw_losses(folders: Path | Sequence[Path], out: Path) -> Path:
    """Draw Q loss and actor loss, if any, against env steps, a panel each, as PNG or SVG by the suffix.

    One run: the mean of each block of env steps, as recorded, and a running mean of five of them. Several, given as
    such or as a folder that holds them: a line per seed, their median, and the quartiles as a band; a seed that stopped
    early keeps its last value there.

    Raises:
        UserError: if no loss was recorded, or for another suffix.
    """
    found = places(folders, "metrics")
    runs = [load_losses(folder) for folder in found]
    names = [name for name in PANELS if any(name in run for run in runs)]
    if not names:
        raise UserError(f"{found[0]}: no loss is recorded there, so there is none to draw")
    figure = new_figure(WIDTH, 2.0 + 2.25 * len(names))
    panels = figure.subplots(len(names), sharex=True, squeeze=False)[:, 0]
    last = max(float(line.steps[-1]) for run in runs for line in run.values())
    for axes, name in zip(panels, names, strict=True):
        _draw(axes, [run[name] for run in runs if name in run], PANELS[name], last)
        axes.label_outer()
    head(panels[0], title(found))
    return save(figure, out)


def load_losses(folder: Path) -> dict[str, Line]:
    """The finite losses of a run's folder by the metric's name; one without any is left out."""
    records = read(folder, "metrics", "step", *PANELS)
    return {name: line for name in PANELS if len((line := line_of(records, name)).steps)}


def running_mean(values: np.ndarray) -> np.ndarray:
    """Mean of each of ``values`` [n] and the two before and after it, of fewer on both sides towards the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    half = np.minimum(np.minimum(place, place[::-1]), WINDOW // 2)
    return np.asarray((total[place + half + 1] - total[place - half]) / (2 * half + 1))


def _draw(axes: Any, lines: Sequence[Line], name: str, last: float) -> None:
    means = [Line(line.steps, running_mean(line.values)) for line in lines]
    seen = [line.values for line in means]
    if len(lines) == 1:
        draw_points(axes, *lines[0], "one block")
        axes.plot(*means[0], color=LINE, linewidth=2, label=f"running mean of {WINDOW} blocks")
        seen.append(np.percentile(lines[0].values, [0.5, 99.5]))
    else:
        draw_seeds(axes, means, f"one seed, running mean of {WINDOW} blocks")
    dress_steps(axes, name, logarithmic(axes, seen, limits(seen, last)))
