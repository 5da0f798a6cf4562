"""The curves of several runs in one picture, drawn from their folders' records alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.reporting.curve import WINDOW, Run, evaluation_quartiles, evaluations_say_more, load_run, quartiles
from argmaxq.reporting.pictures import dress_steps, limits, new_figure, places, save
from argmaxq.reporting.text import environment
from argmaxq.runs.folder import read_config

# Okabe and Ito's palette, which colour-blind eyes tell apart; in grey, the line's kind does.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
KINDS = ("-", "--", "-.", ":")
EVALUATED, TRAINED = "mean return of greedy evaluations", f"return in training, mean of {WINDOW} episodes"


class Compared(NamedTuple):
    """One run's curve: env steps [points], and lower quartile, median and upper quartile [3, points] of its seeds."""

    label: str
    steps: np.ndarray
    values: np.ndarray
    seeds: int


def draw_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Draw a line for each run, as PNG or SVG by the suffix: of several seeds, their median, and quartiles as a band.

    All lines are of one kind: evaluations if these say more than training in any run and all runs have some, else
    training returns. A run of several seeds keeps the last value of one that stopped early.

    Raises:
        UserError: a run has finished no episode, or for another suffix.
    """
    loaded = {folder: [load_run(place) for place in places(folder, "episodes")] for folder in folders}
    judged = any(map(evaluations_say_more, loaded.values())) and all(map(_evaluated, loaded.values()))
    found = [_compared(folder, runs, judged) for folder, runs in loaded.items()]
    figure = new_figure()
    axes = figure.add_subplot()
    for number, each in enumerate(found):
        _draw(axes, each, number)
    last = max(float(each.steps[-1]) for each in found)
    dress_steps(axes, EVALUATED if judged else TRAINED, limits([each.values[1] for each in found], last))
    axes.set_title(f"{len(found)} runs compared", loc="left", fontsize=13, fontweight="bold")
    figure.legend(loc="outside lower left", ncols=1, frameon=False, fontsize=9)
    return save(figure, out)


def _evaluated(runs: Sequence[Run]) -> bool:
    return bool(evaluation_quartiles(runs)[0].size > 1)


def _compared(folder: Path, runs: Sequence[Run], judged: bool) -> Compared:
    steps, values = evaluation_quartiles(runs) if judged else quartiles(runs)
    config = read_config(folder)
    many = f"{len(runs)} seeds, median and quartiles" if len(runs) > 1 else "1 seed"
    label = f"{folder}: {config['name']} on {environment(config)}, {many}"
    return Compared(label, steps, values, len(runs))


def _draw(axes: Any, run: Compared, number: int) -> None:
    style = {"color": COLOURS[number % len(COLOURS)], "linestyle": KINDS[number % len(KINDS)]}
    lower, median, upper = run.values
    if run.seeds > 1:
        axes.fill_between(run.steps, lower, upper, color=style["color"], alpha=0.18, linewidth=0)
    axes.plot(run.steps, median, linewidth=2, label=run.label, **style)
