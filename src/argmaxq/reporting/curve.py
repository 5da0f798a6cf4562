"""The learning curve of a run, or of one recipe's many seeds, drawn from the run folder's records alone."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.component import UserError
from argmaxq.training.records import read

# Blue and vermilion of Okabe and Ito's palette differ to colour-blind eyes; in grey, line and marker tell them apart.
LINE, EVALUATION, FAINT = "#0072B2", "#D55E00", "#A0A0A0"
WINDOW = 100
SETTLED = 20
GRID = 500


@dataclass(frozen=True)
class Run:
    """What a curve shows of one run: finished episodes [episodes] and greedy evaluations [evaluations], by env step."""

    steps: np.ndarray
    returns: np.ndarray
    smooth: np.ndarray
    evaluations: dict[str, np.ndarray]

    @property
    def line(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and smoothed returns from where the mean has some episodes to average."""
        start = min(SETTLED, len(self.steps) // 2)
        return self.steps[start:], self.smooth[start:]

    @property
    def best(self) -> int | None:
        """Index of the latest evaluation with the highest mean: that of the best checkpoint."""
        means = self.evaluations["mean"]
        return int(means.size - 1 - np.argmax(means[::-1])) if means.size else None


def draw_curve(folders: Path | Sequence[Path], out: Path) -> Path:
    """Draw return per episode against env steps as a PNG.

    One run: every episode, the mean of the last 100, and each evaluation's mean and range (least to greatest return).
    Several, given as such or as a folder that holds them: a line per seed, their median, and the quartiles as a band;
    a seed that stopped early keeps its last value there.

    Raises:
        UserError: if a run has finished no episode.
    """
    from matplotlib.figure import Figure  # takes a while to import; pyplot, with its global state, is not needed

    places = _places([folders] if isinstance(folders, Path) else folders)
    runs = [load_run(place) for place in places]
    figure = Figure(figsize=(8, 4.5), dpi=160, layout="constrained")
    axes = figure.add_subplot()
    if len(runs) == 1:
        _draw_one(axes, runs[0])
    else:
        _draw_many(axes, runs)
    _dress(axes, _title(places), _limits(runs))
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, format="png")
    return out


def load_run(folder: Path) -> Run:
    """The records of a run's folder that a curve needs.

    Raises:
        UserError: if no episode has finished.
    """
    episodes = [row for row in read(folder, "episodes") if row["return"] is not None]
    if not episodes:
        raise UserError(f"{folder}: no episode has finished there, so there is no curve to draw")
    evaluations = [row for row in read(folder, "evaluations") if row["mean"] is not None]
    columns = {name: np.array([row[name] for row in evaluations], float) for name in ("step", "mean", "min", "max")}
    steps, returns = (np.array([row[name] for row in episodes], float) for name in ("step", "return"))
    return Run(steps, returns, trailing_mean(returns, WINDOW), columns)


def trailing_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each of ``values`` [n] and the up to ``window - 1`` before it."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - window, 0)
    return np.asarray((total[last] - total[first]) / (last - first))


def quartiles(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Env steps [points] and the quartiles and median [3, points] of the seeds' smoothed returns."""
    lines = [run.line for run in runs]
    steps = np.linspace(max(steps[0] for steps, _ in lines), max(steps[-1] for steps, _ in lines), GRID)
    return steps, np.percentile([np.interp(steps, *line) for line in lines], [25, 50, 75], axis=0)


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
    opacity = float(np.clip(600 / len(run.returns), 0.2, 0.7))
    axes.plot(run.steps, run.returns, ".", color=FAINT, alpha=opacity, markersize=4.5, mew=0, label="episode")
    axes.plot(*run.line, color=LINE, linewidth=2, label=f"mean of {WINDOW} episodes")
    if run.best is None:
        return
    steps, means = run.evaluations["step"], run.evaluations["mean"]
    _points(axes, steps, means, run.evaluations["min"], run.evaluations["max"], "greedy evaluation: mean and range")
    _star(axes, steps[run.best], means[run.best], "best checkpoint", 13)


def _draw_many(axes: Any, runs: Sequence[Run]) -> None:
    for number, run in enumerate(runs):
        label = f"one seed, mean of {WINDOW} episodes" if number == 0 else None
        axes.plot(*run.line, color=FAINT, linewidth=0.6, alpha=0.7, label=label)
    steps, (lower, median, upper) = quartiles(runs)
    axes.fill_between(steps, lower, upper, color=LINE, alpha=0.22, linewidth=0)
    axes.plot(steps, median, color=LINE, linewidth=2, label="median and quartiles")
    steps, (lower, median, upper) = evaluation_quartiles(runs)
    if steps.size:
        _points(axes, steps, median, lower, upper, "evaluations: median and quartiles")
    best = [(run.evaluations["step"][at], run.evaluations["mean"][at]) for run in runs if (at := run.best) is not None]
    if best:
        steps, means = np.transpose(best)
        _star(axes, steps, means, "one seed's best", 8)


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


def _limits(runs: Sequence[Run]) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of what must be seen: everything but the outermost episodes."""
    seen = [run.line[1] for run in runs] + [run.evaluations["mean"] for run in runs]
    if len(runs) == 1:
        seen += [np.percentile(runs[0].returns, [0.5, 99.5])]
    values = np.concatenate(seen)
    low, high = float(values.min()), float(values.max())
    last = max(float(steps.max()) for run in runs for steps in (run.steps, run.evaluations["step"]) if steps.size)
    margin = 0.05 * (high - low) or 1.0
    return 0.0, last, low - margin, high + margin


def _dress(axes: Any, title: str, limits: tuple[float, float, float, float]) -> None:
    from matplotlib.ticker import EngFormatter

    left, right, bottom, top = limits
    axes.set(xlabel="environment steps", ylabel="return per episode")
    axes.set(xlim=(left - 0.01 * right, 1.015 * right), ylim=(bottom, top))
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", pad=28)
    above = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0)}
    legend = axes.legend(**above, ncols=4, frameon=False, fontsize=8, columnspacing=1.2, handletextpad=0.5)
    legend.set_in_layout(False)
    for mark in legend.legend_handles:
        mark.set_alpha(1.0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _title(places: Sequence[Path]) -> str:
    """Such as ``dqn on CartPole-v1, 5 seeds``."""
    file = next((folder / "config.json" for folder in places if (folder / "config.json").exists()), None)
    config = json.loads(file.read_text(encoding="utf-8")) if file else {}
    name = str(config.get("name", places[0].name))
    environment = config.get("recipe", {}).get("env", {}).get("id")
    text = f"{name.rpartition('/')[2]} on {environment}" if environment else name
    return f"{text}, {len(places)} seeds" if len(places) > 1 else text


def _places(folders: Sequence[Path]) -> list[Path]:
    """Runs' own folders: a folder without episodes stands for those inside it that have some."""
    places: list[Path] = []
    for folder in folders:
        inner = [] if (folder / "episodes.jsonl").exists() else sorted(folder.glob("*/episodes.jsonl"), key=_by_number)
        places += [file.parent for file in inner] or [folder]
    return places


def _by_number(file: Path) -> list[Any]:
    """A sort key that puts seed-2 before seed-10."""
    return [(part.zfill(20) if part.isdigit() else part) for part in re.split(r"(\d+)", file.parent.name)]
