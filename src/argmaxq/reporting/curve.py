"""The learning curve of a run, or of one recipe's many seeds, drawn from the run folder's records alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.pictures import (
    EVALUATION,
    LINE,
    Limits,
    Line,
    draw_points,
    draw_seeds,
    dress_steps,
    head,
    limits,
    new_figure,
    places,
    quartile_lines,
    save,
    title,
    trailing_mean,
)
from argmaxq.reporting.scores import evaluations_lead
from argmaxq.runs.records import read

WINDOW = 100
SETTLED = 20
EVALUATED = ("mean", "min", "max")


@dataclass(frozen=True)
class Run:
    """What a curve shows of one run: finished episodes [episodes] and greedy evaluations [evaluations], by env step."""

    steps: np.ndarray
    returns: np.ndarray
    smooth: np.ndarray
    evaluations: dict[str, np.ndarray]

    @property
    def line(self) -> Line:
        """Steps and smoothed returns from where the mean has some episodes to average."""
        start = min(SETTLED, len(self.steps) // 2)
        return Line(self.steps[start:], self.smooth[start:])

    @property
    def best(self) -> int | None:
        """Index of the latest evaluation with the highest mean: that of the best checkpoint."""
        means = self.evaluations["mean"]
        return int(means.size - 1 - np.argmax(means[::-1])) if means.size else None


def averaged(runs: Sequence[Run]) -> str:
    """Of how many episodes the last points of their curves are means, at least: such as ``100 episodes``."""
    least = min([WINDOW, *(len(run.steps) for run in runs)])
    return f"{least} episodes" if least > 1 else "one episode"


def draw_curve(folders: Path | Sequence[Path], out: Path) -> Path:
    """Draw return per episode against env steps, as PNG or SVG by the suffix.

    One run: every episode, the mean of the last 100, and each evaluation's mean and range (least to greatest return).
    Several, given as such or as a folder that holds them: a line per seed, their median, and the quartiles as a band;
    a seed that stopped early keeps its last value there. Where evaluations say more than training, they are the line.

    Raises:
        UserError: if a run has finished no episode, or for another suffix.
    """
    found = places(folders, "episodes")
    runs = [load_run(place) for place in found]
    figure = new_figure()
    axes = figure.add_subplot()
    if len(runs) == 1:
        _draw_one(axes, runs[0])
    else:
        _draw_many(axes, runs)
    dress_steps(axes, "return per episode", _limits(runs))
    head(axes, title(found))
    return save(figure, out)


def load_run(folder: Path) -> Run:
    """The records of a run's folder that a curve needs.

    Raises:
        UserError: if no episode has finished.
    """
    episodes = [row for row in read(folder, "episodes", "step", "return") if row.get("return") is not None]
    if not episodes:
        raise UserError(f"{folder}: no episode has finished there, so there is no curve to draw")
    rows = read(folder, "evaluations", "step", *EVALUATED)
    evaluations = [row for row in rows if None not in [row.get(name) for name in EVALUATED]]
    columns = {name: np.array([row[name] for row in evaluations], float) for name in ("step", *EVALUATED)}
    steps, returns = (np.array([row[name] for row in episodes], float) for name in ("step", "return"))
    return Run(steps, returns, trailing_mean(returns, WINDOW), columns)


def evaluations_say_more(runs: Sequence[Run]) -> bool:
    """As ``evaluations_lead``, of runs that were evaluated more than once."""
    evaluated = [float(run.evaluations["mean"][-1]) for run in runs if run.evaluations["mean"].size > 1]
    return evaluations_lead([float(run.smooth[-1]) for run in runs], evaluated)


def quartiles(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Env steps [points] and the quartiles and median [3, points] of the seeds' smoothed returns."""
    return quartile_lines([run.line for run in runs])


def evaluation_quartiles(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """As ``quartiles``, of the mean evaluation returns, at the steps where over half of the seeds have one."""
    found: dict[float, list[float]] = {}
    for run in runs:
        for step, mean in zip(run.evaluations["step"], run.evaluations["mean"], strict=True):
            found.setdefault(float(step), []).append(float(mean))
    shared = {step: means for step, means in sorted(found.items()) if 2 * len(means) > len(runs)}
    spread = [np.percentile(means, [25, 50, 75]) for means in shared.values()]
    return np.array(list(shared)), np.array(spread).reshape(-1, 3).T


def _draw_one(axes: Any, run: Run) -> None:
    leading = evaluations_say_more([run])
    draw_points(axes, run.steps, run.returns, "episode")
    axes.plot(*run.line, color=LINE, linewidth=1.0 if leading else 2.0, label=f"mean of {averaged([run])}")
    if run.best is None:
        return
    steps, means = run.evaluations["step"], run.evaluations["mean"]
    if leading:
        axes.plot(steps, means, color=EVALUATION, linewidth=2, zorder=3)
    _points(axes, steps, means, run.evaluations["min"], run.evaluations["max"], "greedy evaluation: mean and range")
    _star(axes, steps[run.best], means[run.best], "best checkpoint", 13)


def _draw_many(axes: Any, runs: Sequence[Run]) -> None:
    leading = evaluations_say_more(runs)
    if leading:
        steps, (lower, median, upper) = quartiles(runs)
        axes.fill_between(steps, lower, upper, color=LINE, alpha=0.15, linewidth=0)
        axes.plot(steps, median, color=LINE, linewidth=1.0, label=f"training, mean of {averaged(runs)}")
    else:
        draw_seeds(axes, [run.line for run in runs], f"one seed, mean of {averaged(runs)}")
    steps, (lower, median, upper) = evaluation_quartiles(runs)
    if steps.size:
        draw = _band if leading else _points
        draw(axes, steps, median, lower, upper, f"{'greedy ' * leading}evaluations: median and quartiles")
    best = [(run.evaluations["step"][at], run.evaluations["mean"][at]) for run in runs if (at := run.best) is not None]
    if best:
        steps, means = np.transpose(best)
        _star(axes, steps, means, "one seed's best", 8)


def _band(axes: Any, steps: Any, middle: Any, low: Any, high: Any, label: str) -> None:
    """The line that is to be seen first, in a band."""
    axes.fill_between(steps, low, high, color=EVALUATION, alpha=0.15, linewidth=0, zorder=2)
    axes.plot(
        steps, middle, "-o", color=EVALUATION, linewidth=2, markersize=4, markerfacecolor="white", markeredgewidth=1.2,
        zorder=3, label=label,
    )  # fmt: skip


def _points(axes: Any, steps: Any, middle: Any, low: Any, high: Any, label: str) -> None:
    axes.errorbar(
        steps, middle, yerr=np.maximum([middle - low, high - middle], 0), fmt="o", color=EVALUATION, markersize=4,
        markerfacecolor="white", markeredgewidth=1.2, elinewidth=0.9, zorder=3, label=label,
    )  # fmt: skip


def _star(axes: Any, steps: Any, means: Any, label: str, size: float) -> None:
    axes.plot(
        steps, means, "*", color=EVALUATION, markersize=size, markeredgecolor="black", markeredgewidth=0.6,
        zorder=4, linestyle="none", label=label,
    )  # fmt: skip


def _limits(runs: Sequence[Run]) -> Limits:
    """What must be seen: everything but the outermost episodes."""
    seen = [run.line.values for run in runs] + [run.evaluations["mean"] for run in runs]
    if len(runs) == 1:
        seen += [np.percentile(runs[0].returns, [0.5, 99.5])]
    last = max(float(steps.max()) for run in runs for steps in (run.steps, run.evaluations["step"]) if steps.size)
    return limits(seen, last)
