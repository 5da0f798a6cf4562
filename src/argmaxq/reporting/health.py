"""A run's diagnostics, and a user's own numbers, as small pictures side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.pictures import (
    FAINT,
    LINE,
    draw_seeds,
    dress_steps,
    head_of,
    limits,
    line_of,
    logarithmic,
    new_figure,
    places,
    save,
    title,
)
from argmaxq.runs.folder import CONFIG, read_config
from argmaxq.runs.records import Record, read
from argmaxq.training.engines.engine import LIGHT_STEPS_AT_ONCE, STEPS_AT_ONCE

COLUMNS = 3
MOST = 30
"""Panels of a user's own in one picture."""
LETTERS = 40
"""Of a name of a user's own."""


class Panel(NamedTuple):
    """One metric: what it is called, what is normal, the range that is, and what is drawn round a lone seed's line."""

    name: str
    called: str
    healthy: str = ""
    within: tuple[float, float] | None = None
    band: tuple[str, ...] = ()

    @property
    def banded(self) -> str:
        """What a band round its line is, in a few words; empty where it has none."""
        return BANDS[len(self.band)]


BANDS = ("", "band: plus and minus its spread over episodes", "band: 10 to 90 % of all")
"""What is drawn round a line, by how many metrics that takes."""
PANELS = (
    Panel("q_bias", "Q above the return that followed", "near 0, beside mean Q", band=("q_spread",)),
    Panel("q_followed", "discounted return that followed", "it rises"),
    Panel("td_error_50", "|TD error|, median", "it falls, or rises with Q alone", band=("td_error_10", "td_error_90")),
    Panel("gradient_norm", "gradient norm", "no jumps by orders of magnitude"),
    Panel("actor_gradient_norm", "actor's gradient norm", "no jumps by orders of magnitude"),
    Panel("churn", "greedy actions changed by an update", "a few per cent, less to the end", (0.0, 0.1)),
    Panel("dormant", "dormant units", "few, and not growing", (0.0, 0.1)),
    Panel("effective_rank", "effective rank, last hidden layer", "it does not collapse"),
    Panel("target_distance", "distance of target network", "steady or falling, well below 1", (0.0, 0.5)),
    Panel("replay_age", "age of what is replayed, env steps", "half of what the replay holds"),
    Panel("learning_rate", "learning rate", "above 0 while it is to learn"),
    Panel("actor_learning_rate", "actor's learning rate", "above 0 while it is to learn"),
    Panel("step_size", "step size", "above 0 while it is to learn"),
    Panel("visited", "state-action pairs updated", "all that can be reached"),
    Panel("epsilon", "epsilon", "small when the values are good"),
)
"""docs/diagnostics.md says more of each."""
NOT_DRAWN = ("step", "updates", "episodes", "mean_return", "loss", "q", "actor_loss", "q_foreseen")
"""Metrics that other pictures show, or that bands or differences do."""
SCHEDULES = ("epsilon", "learning_rate", "actor_learning_rate", "step_size")
"""Metrics that were set, not found: their axes are never logarithmic, so that what falls evenly is a straight line."""
SIGNED = ("q_bias", "q_followed")
"""Metrics whose axis need not begin at 0."""
MEASURED = ("td_error_50", "gradient_norm", "churn", "dormant", "effective_rank", "step_size")
"""Metrics that are measured now and then."""
OURS = {*NOT_DRAWN, *(name for panel in PANELS for name in (panel.name, *panel.band))}


def draw_health(folders: Path | Sequence[Path], out: Path) -> Path:
    """Draw every diagnostic that a run recorded against env steps, a panel each, as PNG or SVG by the suffix.

    One run: its values, and the 10 and 90 % quantiles, or the spread, as a band. Several, given as such or as a folder
    that holds them: a line per seed, their median, and the quartiles as a band. Shaded grey: what is normal. A user's
    own numbers have panels of their own, after the others. Points that are no numbers are left out and told.

    Raises:
        UserError: if nothing was recorded, or for another suffix.
    """
    found = places(folders, "metrics")
    runs = [read(folder, "metrics", "step") for folder in found]
    panels = [panel for panel in [*PANELS, *_own(runs)] if any(panel.name in row for rows in runs for row in rows)]
    if not panels:
        raise UserError(
            f"{found[0]}: no diagnostics are recorded there, so there are none to draw; see diagnostics.every"
        )
    runs = [read(folder, "metrics", "step", *_names(panels)) for folder in found]
    rows = -(-len(panels) // COLUMNS)
    figure = new_figure(4.0 * COLUMNS, 0.9 + 2.3 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    last = max(float(row["step"]) for rows in runs for row in rows)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw(axes, panel, runs, last)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    head_of(
        figure, f"Health of {title(found)}", "over environment steps", *_notes(panels, runs), unmeasured(found[0], runs)
    )
    return save(figure, out)


def _notes(panels: Sequence[Panel], runs: Sequence[Sequence[Record]]) -> list[str]:
    """How to read the panels that are there."""
    notes = ["thin: one seed each; thick: their median; band: quartiles"] if len(runs) > 1 else []
    return notes + (["grey: a normal range"] if any(panel.within for panel in panels) else [])


def unmeasured(folder: Path, runs: Sequence[Sequence[Record]]) -> str:
    """Why a short run's records lack what is measured now and then; empty where there is no such reason."""
    if not (folder / CONFIG).exists():
        return ""
    recipe = read_config(folder)["recipe"]
    every = int(recipe["diagnostics"]["every"])
    block = LIGHT_STEPS_AT_ONCE if recipe["agent"]["type"] == "agent/td" else STEPS_AT_ONCE
    last = max((float(row["step"]) for rows in runs for row in rows), default=0.0)
    measured = any(name in row for rows in runs for row in rows for name in MEASURED)
    if not every or measured or last >= every * block:
        return ""
    return (
        f"shorter than {every} blocks of about {block:,} steps, after which TD errors, gradients and the like are "
        "measured, so these are not here: --diagnostics.every"
    )


def _own(runs: Sequence[Sequence[Record]]) -> list[Panel]:
    """Panels of a user's own numbers, in the order in which they came."""
    names = dict.fromkeys(name for rows in runs for row in rows for name in row if name not in OURS)
    return [Panel(name, name if len(name) <= LETTERS else f"{name[:LETTERS]}…") for name in names][:MOST]


def _names(panels: Sequence[Panel]) -> list[str]:
    return [name for panel in panels for name in (panel.name, *panel.band)]


def _draw(axes: Any, panel: Panel, runs: Sequence[Sequence[Record]], last: float) -> None:
    if panel.within:
        axes.axhspan(*panel.within, color="0.93", linewidth=0, zorder=0)
    if panel.name == "q_bias":
        axes.axhline(0.0, color="0.6", linewidth=0.8, zorder=1)
    lines = [line for rows in runs if len((line := line_of(rows, panel.name)).steps)]
    edges: list[np.ndarray] = []
    if len(runs) > 1 and lines:
        draw_seeds(axes, lines, "")
        for line in lines:
            if len(line.steps) == 1:  # which no line shows
                axes.plot(*line, "o", color=FAINT, markersize=2.5)
    elif lines:
        axes.plot(*lines[0], "-o", color=LINE, linewidth=1.6, markersize=2.5)
        edges = _draw_band(axes, panel, runs[0])
    if lines:
        _dress(axes, panel, [line.values for line in lines], edges, last)
    missing = sum(row[panel.name] is None for rows in runs for row in rows if panel.name in row)
    said = [f"normal: {panel.healthy}"] if panel.healthy else []
    said += [panel.banded] if edges else []
    said += [f"{missing} points are no numbers"] if missing else []
    axes.set_title(panel.called, loc="left", fontsize=9, fontweight="bold", pad=14, parse_math=False)
    axes.text(0.0, 1.02, "; ".join(said), transform=axes.transAxes, fontsize=7, color="0.35", parse_math=False)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("")


def _dress(axes: Any, panel: Panel, seen: list[np.ndarray], edges: list[np.ndarray], last: float) -> None:
    """Axes that show lines and a band's edges; what is never negative begins at 0, if it is of one magnitude."""
    within = limits(seen + edges, last)
    if panel.name not in SIGNED and min(float(values.min()) for values in seen) >= 0:
        high = max(float(values.max()) for values in seen + edges) or 1.0
        within = within._replace(bottom=-0.03 * high, top=1.06 * high)
    dress_steps(axes, "", within if edges or panel.name in SCHEDULES else logarithmic(axes, seen, within))


def _draw_band(axes: Any, panel: Panel, rows: Sequence[Record]) -> list[np.ndarray]:
    """What is drawn round the line, two metrics or one on both sides of it; its edges, if there is any."""
    kept = [row for row in rows if all(row.get(name) is not None for name in (panel.name, *panel.band))]
    if not panel.band or not kept:
        return []
    steps, middle, *found = (np.array([row[name] for row in kept], float) for name in ("step", panel.name, *panel.band))
    edges = found if len(found) == 2 else [middle - found[0], middle + found[0]]
    axes.fill_between(steps, *edges, color=LINE, alpha=0.22, linewidth=0)
    return edges
