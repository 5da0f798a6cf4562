"""What all pictures of a run have in common: colours, axes, titles, seeds and files."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.text import environment
from argmaxq.runs.files.writing import replace, writing
from argmaxq.runs.folder import CONFIG, read_config
from argmaxq.runs.records import Record

# Blue and vermilion of Okabe and Ito's palette differ to colour-blind eyes; in grey, line and marker tell them apart.
LINE, EVALUATION, FAINT = "#0072B2", "#D55E00", "#A0A0A0"
KINDS = (".png", ".svg")
WIDTH, HEIGHT, DPI = 8.0, 4.5, 160
GRID = 500
NOTE = 17
"""Letters of a note to an inch."""
EDGE = 0.8
"""Inches of a figure beside its axes, about."""
WIDE = 30.0
"""From this ratio of the greatest value to the least on, an axis may be logarithmic."""


class Line(NamedTuple):
    """Values [n] at env steps [n]."""

    steps: np.ndarray
    values: np.ndarray


def line_of(rows: Sequence[Record], name: str) -> Line:
    """The finite values of a metric among a run's records; an empty line where there are none."""
    found = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    steps, values = np.array(found, float).reshape(-1, 2).T
    return Line(steps, values)


class Limits(NamedTuple):
    """Ends of both axes."""

    left: float
    right: float
    bottom: float
    top: float


def checked(out: Path) -> Path:
    """A picture's path; raises UserError for a kind of file that is not drawn."""
    if out.suffix.lower() not in KINDS:
        raise UserError(f"{out}: a picture's name must end in {' or '.join(KINDS)}")
    return out


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> Any:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure  # takes a while to import; pyplot, with its global state, is not needed

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def save(figure: Any, out: Path) -> Path:
    """Write a figure as PNG or SVG, by the suffix, whole or not at all; a link in its place is replaced, not followed.

    Raises:
        UserError: another suffix, or the system refuses.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format=checked(out).suffix[1:].lower())
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    replace(out, drawn.getvalue())
    return out


def trailing_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each of ``values`` [n] and the up to ``window - 1`` before it."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - window, 0)
    return np.asarray((total[last] - total[first]) / (last - first))


def quartile_lines(lines: Sequence[Line]) -> tuple[np.ndarray, np.ndarray]:
    """Env steps [points] and the quartiles and median [3, points] of lines, of which each keeps its last value."""
    steps = np.linspace(max(line.steps[0] for line in lines), max(line.steps[-1] for line in lines), GRID)
    return steps, np.percentile([np.interp(steps, *line) for line in lines], [25, 50, 75], axis=0)


def draw_seeds(axes: Any, lines: Sequence[Line], label: str) -> None:
    """A faint line for each seed, their median, and the quartiles as a band."""
    for number, line in enumerate(lines):
        axes.plot(*line, color=FAINT, linewidth=0.6, alpha=0.7, label=label if number == 0 else None)
    steps, (lower, median, upper) = quartile_lines(lines)
    axes.fill_between(steps, lower, upper, color=LINE, alpha=0.22, linewidth=0)
    axes.plot(steps, median, color=LINE, linewidth=2, label="median and quartiles")


def draw_points(axes: Any, steps: np.ndarray, values: np.ndarray, label: str) -> None:
    """A dot for each single value, fainter and smaller where there are many."""
    opacity, size = float(np.clip(600 / len(values), 0.2, 0.7)), float(np.clip(900 / len(values), 4.5, 9.0))
    axes.plot(steps, values, ".", color=FAINT, alpha=opacity, markersize=size, mew=0, label=label)


def limits(seen: Sequence[np.ndarray], last: float) -> Limits:
    """Axes that show all of these values, with a margin, and steps from 0 to ``last``."""
    values = np.concatenate(seen)
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Limits(-0.01 * last, 1.015 * last, low - margin, high + margin)


def logarithmic(axes: Any, seen: Sequence[np.ndarray], within: Limits) -> Limits:
    """Limits of an axis, which is made logarithmic where these values are of several orders of magnitude."""
    low, high = (float(of([of(values) for values in seen])) for of in (np.min, np.max))
    if low <= 0 or high <= WIDE * low:
        return within
    axes.set_yscale("log")
    return within._replace(bottom=low / 1.3, top=high * 1.3)


def dress(axes: Any, across: str, up: str) -> None:
    """Labels, and a light grid behind."""
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def dress_steps(axes: Any, up: str, within: Limits) -> None:
    """As ``dress``, over env steps."""
    from matplotlib.ticker import EngFormatter

    dress(axes, "environment steps", up)
    axes.set(xlim=within[:2], ylim=within[2:])
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def head(axes: Any, text: str) -> None:
    """A title, and below it the legend in as many rows as its entries need."""
    style = {"frameon": False, "fontsize": 8, "columnspacing": 1.2, "handletextpad": 0.5}
    room = axes.figure.bbox.width - EDGE * axes.figure.dpi
    for columns in (4, 3, 2, 1):
        legend = axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns, **style)
        if legend.get_window_extent().width <= room:
            break
    rows = -(-len(legend.get_texts()) // columns)
    axes.set_title(text, loc="left", fontsize=13, fontweight="bold", pad=14 + 14 * rows, parse_math=False)
    legend.set_in_layout(False)
    for mark in legend.legend_handles:
        mark.set_alpha(1.0)


def head_of(figure: Any, text: str, *notes: str) -> None:
    """A title over the whole figure, and below all of it what else must be known to read it."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    if said := "; ".join(filter(None, notes)):
        width = int(figure.get_figwidth() * NOTE)
        figure.supxlabel("\n".join(wrap(said, width)), x=0.01, ha="left", fontsize=8, color="0.35", parse_math=False)


def title(places: Sequence[Path]) -> str:
    """Such as ``dqn on CartPole-v1, 5 seeds``."""
    folder = next((place for place in places if (place / CONFIG).exists()), None)
    if folder is None:
        return f"{places[0].name}, {len(places)} seeds" if len(places) > 1 else places[0].name
    config = read_config(folder)
    text = f"{config['name'].rpartition('/')[2]} on {environment(config)}"
    return f"{text}, {len(places)} seeds" if len(places) > 1 else text


def places(folders: Path | Sequence[Path], kind: str) -> list[Path]:
    """Runs' own folders: one without records of this kind stands for those inside it that have some."""
    found: list[Path] = []
    for folder in [folders] if isinstance(folders, Path) else folders:
        inner = [] if (folder / f"{kind}.jsonl").exists() else sorted(folder.glob(f"*/{kind}.jsonl"), key=_by_number)
        found += [file.parent for file in inner] or [folder]
    return found


def _by_number(file: Path) -> list[Any]:
    """A sort key that puts seed-2 before seed-10."""
    return [(part.zfill(20) if part.isdigit() else part) for part in re.split(r"(\d+)", file.parent.name)]
