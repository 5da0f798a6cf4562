"""Pictures of a trained agent: greedy policy, values, visits, schedules; legible in grey and to the colour-blind."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import Space

from argmaxq.components.errors import UserError
from argmaxq.domains.catalogue import functional
from argmaxq.environments.env import Env
from argmaxq.exact import Grid, interpolated, motion_of, value_iteration
from argmaxq.reporting.names import action_names, entry_name, family, in_units
from argmaxq.reporting.pictures import Limits, dress_steps, head_of, new_figure, save
from argmaxq.runs.records import read
from argmaxq.runs.track import BEST
from argmaxq.training.evaluation import Evaluator, greedy, uniform
from argmaxq.training.memory import recurrent
from argmaxq.verbs.policy import Policy
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical
from argmaxq.visualisation.regions import NOTHING, draw_legend, draw_lines, draw_regions, regions
from argmaxq.visualisation.surface import ARROWS, POINTS, Map, Plane, axes_of, gridworld, learnt, plane, values_at

What = Literal["phase", "value", "visits", "schedule"]
SURFACE = "cividis"
EPISODES, BINS = 50, 60
MOST = 8
"""Entries of an observation whose values are listed."""
CELL, WIDEST, NARROWEST = 1.05, 8.0, 5.0
"""Inches of a gridworld's cell at most, of all of them side by side, and of the narrowest picture of one."""
LETTERS = {"H": "H a hole", "C": "C the cliff", "G": "G the goal"}


class Panel(NamedTuple):
    """Action values [..., actions] over the points of axes, under a title."""

    title: str
    q: np.ndarray


def draw_learnt(run: Run, what: What, out: Path, which: str | int = BEST, entries: tuple[int, ...] = ()) -> Path:
    """Draw one picture of what a run's agent learnt; of many seeds, of the median one, and it says which.

    phase: the greedy action over one or two entries of the observation, beside the optimal one where dynamic
    programming finds it; on a gridworld, arrows. value: the greatest action value there. Both are drawn over all
    observations where these are two bounded numbers, else where greedy and random episodes go, with the other entries
    at their medians there. visits: where 50 greedy episodes go. schedule:
    epsilon over env steps and over episodes.

    Raises:
        UserError: an agent or environment that cannot be drawn so.
    """
    if what == "schedule":
        return _save(new_figure(), run, what, out, _schedule)
    one, which_seed = typical(run, which)
    if what in ("phase", "value") and one.recipe.env.mask != "none":
        raise UserError(
            f"{what} shows action values at all observations, and which actions are allowed is only known where "
            "episodes go: draw choices or visits"
        )
    policy, env = one.policy(which), one.recipe.env
    if policy.adaptor.spaces.observation.categories:
        world = gridworld(env)
        rows, columns = world.states.shape
        cell = min(CELL, WIDEST / columns)
        figure = new_figure(max(columns * cell + 1.6, NARROWEST), rows * cell + 1.1)
        return _save(figure, one, what, out, lambda axes, _: _on_map(axes, env, policy, world, what), which_seed)
    return _save(new_figure(), one, what, out, lambda axes, _: _on_plane(axes, env, policy, what, entries), which_seed)


def _save(figure: Any, run: Run, what: What, out: Path, draw: Callable[[Any, Run], str], which_seed: str = "") -> Path:
    note = draw(figure, run)
    head_of(figure, f"{run.config['name']}: {_TITLES[what]}", which_seed, note)
    return save(figure, out)


_TITLES = {
    "phase": "greedy action",
    "value": "greatest action value",
    "visits": f"visits in {EPISODES} greedy episodes",
    "schedule": "exploration",
}


def _on_plane(figure: Any, env: Env, policy: Policy, what: What, entries: tuple[int, ...]) -> str:
    """Pictures over one or two numbers of the observation; what is to be said of the others."""
    chosen = axes_of(policy, entries)
    greedily, randomly = _seen(env, policy)
    cut = plane(policy, chosen, greedily if what == "visits" else np.concatenate([greedily, randomly]))
    at = tuple(in_units(env, entry, axis) for entry, axis in zip(cut.entries, cut.axes, strict=True))
    spaces = policy.adaptor.native
    names = [entry_name(env, entry, spaces[0]) for entry in cut.entries]
    if what == "visits":
        edges = [np.linspace(axis[0], axis[-1], BINS + 1) for axis in cut.axes]
        counts = np.histogramdd(greedily[:, list(cut.entries)], edges)[0]
        places = [np.linspace(axis[0], axis[-1], BINS + 1) for axis in at]
        shown = np.log10(np.where(counts > 0, counts, np.nan))
        _draw_numbers(figure, figure.add_subplot(), places, shown, names, "log10 of visits")
        return ""
    panels = [Panel("learnt", values_at(policy, cut.observations))]
    panels += _optimal(env, policy, cut.axes) if what == "phase" and len(cut.axes) == 2 == len(cut.middle) else []
    if what == "phase":
        _draw_phases(figure, at, panels, names, policy, action_names(env, panels[0].q.shape[-1], spaces[1]))
    else:
        _draw_numbers(figure, figure.add_subplot(), at, panels[0].q.max(axis=-1), names, "max Q")
    said = (
        ""
        if cut.whole
        else f"over where {EPISODES} greedy and {EPISODES} random episodes go{_held(env, cut, spaces[0])}"
    )
    return "; ".join(filter(None, [said, "each as an episode's first" if recurrent(policy.agent) else ""]))


def _draw_phases(
    figure: Any,
    at: Sequence[np.ndarray],
    panels: Sequence[Panel],
    names: list[str],
    policy: Policy,
    actions: Sequence[str],
) -> None:
    """Regions of the greedy action side by side, with one legend; along one entry the actions' values."""
    best = [np.argmax(panel.q, axis=-1) for panel in panels]
    known = learnt(policy, panels[0].q)
    drawn = regions(np.concatenate([best[0][known], *(each.ravel() for each in best[1:])]), actions)
    for number, (panel, greatest) in enumerate(zip(panels, best, strict=True)):
        axes = figure.add_subplot(1, len(panels), number + 1)
        if greatest.ndim == 1:
            draw_lines(axes, at[0], panel.q, drawn)
        else:
            draw_regions(axes, at, greatest, known if number == 0 else np.ones_like(known), drawn)
        axes.set(xlabel=names[0], ylabel=names[1] if greatest.ndim > 1 else "action value")
        if len(panels) > 1:
            axes.set_title(panel.title, fontsize=10)
    draw_legend(figure, drawn, bool(best[0].ndim > 1 and not known.all()))


def _held(env: Env, cut: Plane, space: Space[Any]) -> str:
    """At what the entries of the observation are held that are no axes."""
    values = [(entry_name(env, entry, space), in_units(env, entry, cut.middle[[entry]])[0]) for entry in cut.held]
    if not values:
        return ""
    each = ", ".join(f"{name} {value:.3g}" for name, value in values[:MOST])
    more = f" and {len(values) - MOST} others" if len(values) > MOST else ""
    return f"; held at their medians there: {each}{more}"


def _seen(env: Env, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    """Observations [n, ...] that greedy and random episodes go through, as an agent sees them."""
    evaluator = Evaluator(env)
    try:
        policies = greedy(policy.agent, policy.params, evaluator.spaces), uniform(evaluator.spaces, [1, 3])
        greedily, randomly = (evaluator.decisions(each, EPISODES, [1, 2])[0] for each in policies)
        return greedily, randomly
    finally:
        evaluator.close()


def _optimal(env: Env, policy: Policy, axes: tuple[np.ndarray, ...]) -> list[Panel]:
    """Undiscounted optimal action values, where an environment without noise is its two observed numbers."""
    if family(env) != "MountainCar":
        return []
    source: Any = functional(str(env.id))
    spec = policy.adaptor.spaces.observation
    grid = Grid(tuple(map(float, spec.low)), tuple(map(float, spec.high)), (POINTS, POINTS))
    move = motion_of(source)
    values = value_iteration(interpolated(grid, move, 3), 1.0, tolerance=1e-3).values
    points = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")], axis=1)
    ends = [move(points, action) for action in range(3)]
    q = [end.reward + np.where(end.terminated, 0.0, grid.interpolate(values, end.following)) for end in ends]
    shape = (len(axes[0]), len(axes[1]), 3)
    return [Panel("optimal (dynamic programming)", np.stack(q, axis=-1).reshape(shape))]


def _draw_numbers(figure: Any, axes: Any, at: Any, values: np.ndarray, names: list[str], label: str) -> None:
    """A surface in colours from dark to light, with contour lines; a curve over one entry."""
    if values.ndim == 1:
        centres = at[0] if len(at[0]) == len(values) else (at[0][1:] + at[0][:-1]) / 2
        axes.plot(centres, values, color="black")
        axes.set(xlabel=names[0], ylabel=label)
        return
    edges = len(at[0]) != values.shape[0]
    kind = "flat" if edges else "nearest"
    mesh = axes.pcolormesh(*at, values.T, cmap=SURFACE, shading=kind, rasterized=True)
    if not edges and np.ptp(values) > 0:
        lines = axes.contour(*at, values.T, levels=8, colors="white", linewidths=0.6)
        axes.clabel(lines, fontsize=7)
    figure.colorbar(mesh, ax=axes, label=label)
    axes.set(xlabel=names[0], ylabel=names[1])


def _on_map(figure: Any, env: Env, policy: Policy, world: Map, what: What) -> str:
    """Pictures of a gridworld: cells shaded by value or visits, arrows for the greedy action; what is to be said."""
    axes = figure.add_subplot()
    q = values_at(policy, world.states)
    best, label = q.max(axis=-1), "max Q"
    if what == "visits":
        counts = np.bincount(_seen(env, policy)[0].astype(int), minlength=world.states.size)
        best, label = counts.reshape(world.states.shape).astype(float), "visits"
    ended = np.isin(world.letters, ["H", "G", "C"])
    rows, columns = world.states.shape
    shown = np.where(ended, np.nan, best)
    mesh = axes.pcolormesh(np.arange(columns + 1), np.arange(rows + 1), shown, cmap=SURFACE, edgecolors="0.8")
    axes.set_facecolor("white")
    actions, known = action_names(env, q.shape[-1], policy.adaptor.native[1]), learnt(policy, q)
    middle = (np.nanmin(shown) + np.nanmax(shown)) / 2
    for row, column in np.ndindex(rows, columns):
        letter, ink = world.letters[row, column], "white" if best[row, column] <= middle else "black"
        if ended[row, column]:
            axes.text(column + 0.5, row + 0.5, letter, ha="center", va="center", fontweight="bold")
            continue
        number = f"{best[row, column]:.0f}" if what == "visits" else f"{best[row, column]:.3g}"
        axes.text(column + 0.5, row + 0.85, number, ha="center", va="center", fontsize=7, color=ink)
        if not known[row, column]:
            continue
        across, up = ARROWS.get(actions[int(q[row, column].argmax())], (0, 0))
        place = {"xytext": (column + 0.5 - 0.2 * across, row + 0.4 + 0.2 * up), "color": ink}
        arrow = {"arrowstyle": "->", "color": ink, "linewidth": 1.5}
        axes.annotate("", (column + 0.5 + 0.2 * across, row + 0.4 - 0.2 * up), arrowprops=arrow, **place)
    axes.set(
        xticks=np.arange(columns) + 0.5, yticks=np.arange(rows) + 0.5, xlabel="column", ylabel="row", aspect="equal"
    )
    axes.set_xticklabels(range(columns))
    axes.set_yticklabels(range(rows))
    axes.invert_yaxis()
    figure.colorbar(mesh, ax=axes, label=label)
    said = [words for letter, words in LETTERS.items() if (world.letters == letter).any()]
    return ", ".join([*said, *([] if known[~ended].all() else [f"no arrow: {NOTHING} there"])])


def _schedule(figure: Any, run: Run) -> str:
    """Epsilon over env steps and over episodes, a line for each seed."""
    axes: list[Any] = list(figure.subplots(1, 2, sharey=True))
    drawn = False
    for number, part in enumerate(run.parts):
        rows = [row for row in read(part.path, "metrics", "step", "episodes", "epsilon") if "epsilon" in row]
        drawn = drawn or bool(rows)
        epsilon = [row["epsilon"] for row in rows]
        style: dict[str, Any] = {"color": "black", "linestyle": ("-", "--", ":", "-.")[number % 4], "linewidth": 1.2}
        axes[0].plot([row["step"] for row in rows], epsilon, label=f"seed {part.seeds[0]}", **style)
        axes[1].plot([row["episodes"] for row in rows], epsilon, **style)
    if not drawn:
        raise UserError(f"{run.path} has no record of an epsilon: its exploration has none")
    for each, across in zip(axes, ("environment steps", "episodes"), strict=True):
        right, top = (max(float(end) for line in each.lines for end in getattr(line, f"get_{of}data")()) for of in "xy")
        dress_steps(each, "", Limits(0.0, 1.015 * right, 0.0, 1.08 * top or 1.0))
        each.set_xlabel(across)
    axes[0].set_ylabel("epsilon: probability of a random action")
    if 1 < len(run.parts) <= 8:
        axes[0].legend(frameon=False)
    return ""
