"""Which action a trained agent chooses where, and with which parameters, drawn from greedy episodes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.lanes.hybrid import HybridSpace, bounds, read_hybrid
from argmaxq.reporting.names import action_names, bands, entry_name, in_units
from argmaxq.reporting.pictures import LINE, WIDTH, checked, dress, head_of, new_figure, save, title
from argmaxq.runs.track import BEST
from argmaxq.spaces import ArraySpec, BranchedActions
from argmaxq.training.evaluation import Evaluator, check_episodes, greedy
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical

EPISODES = 50
MOST = 12
"""Panels, or actions in one panel: where there are more actions, those chosen most often."""
IN_A_COLUMN = 4
TALL, FLAT = 1.55, 0.6
"""Height of a panel, and of one without a parameter, in inches."""


class Choices(NamedTuple):
    """Greedy decisions.

    ``parameters`` [n, parameters] are those of all actions in the environment's units, and ``space`` says whose they
    are; both are None where actions have none.

    Attributes:
        observations: As an agent sees them, [n, ...].
        actions: Their numbers, [n].
        kinds: How many actions there are to choose from.
    """

    observations: np.ndarray
    actions: np.ndarray
    kinds: int
    parameters: np.ndarray | None
    space: HybridSpace | None


class Entry(NamedTuple):
    """One entry of the observation: its name, its values [n] at the decisions, and what lies where along it."""

    name: str
    values: np.ndarray
    bands: tuple[tuple[str, float, float], ...]


class Panel(NamedTuple):
    """One parameter of an action, or an action that has none: where it is chosen [m], and its values [m] and bounds."""

    name: str
    across: np.ndarray
    values: np.ndarray | None = None
    bounds: tuple[float, float] = (0.0, 0.0)


def draw_choices(
    run: Run, out: Path, episodes: int = EPISODES, seed: int = 1, dimension: int | None = None, which: str | int = BEST
) -> Path:
    """Draw what a checkpoint's greedy policy chooses along one entry of the observation, as PNG or SVG by the suffix.

    By default that is the first entry that varies. Of a run of many seeds it is the median one, and the picture says
    which. The episodes are those of ``Run.evaluate``
    with the same seed. Actions with parameters have a panel for each parameter, in the environment's units and between
    its bounds. Discrete actions are dots in a row for each action. Discretised actions are drawn with the parameters
    that they stand for.

    Raises:
        UserError: the observation has no such entry, the run or checkpoint does not exist, or for another suffix.
    """
    checked(out)
    run, which_seed = typical(run, which)
    spec, (space, taken) = (adaptor := run.policy(which).adaptor).spaces.observation, adaptor.native
    size = math.prod(spec.shape)
    if dimension is not None and not 0 <= dimension < size:
        raise UserError(f"entry {dimension}: the observation has entries 0 to {size - 1}")
    env, choices = run.recipe.env, play(run, episodes, seed, which)
    seen = choices.observations.reshape(-1, size)
    place = varying(seen, spec) if dimension is None else dimension
    entry = Entry(entry_name(env, place, space), in_units(env, place, seen[:, place], space), bands(env, place))
    names = action_names(env, choices.kinds, taken)
    if choices.space is None:
        figure = _draw_rows(choices.actions, entry, names)
    else:
        figure = _draw_panels(panels(choices, entry.values, names), entry)
    head_of(figure, f"{title([run.path])}: choices in {_many(episodes)}", which_seed)
    return save(figure, out)


def varying(seen: np.ndarray, spec: ArraySpec) -> int:
    """The first entry of observations ``seen`` [n, entries] that is not always the same; one of no picture, if any."""
    varies = seen.max(axis=0) > seen.min(axis=0)
    pixel = [np.full(part.entries, part.dtype == "uint8" and len(part.shape) > 1) for part in spec.parts]
    alone = varies & ~np.concatenate(pixel) if pixel else varies
    return int(np.argmax(alone if alone.any() else varies))


def play(run: Run, episodes: int = EPISODES, seed: int = 1, which: str | int = BEST) -> Choices:
    """The decisions of greedy episodes; raises UserError as ``Run.evaluate`` does."""
    check_episodes(episodes, seed)
    if isinstance(run.policy(which).adaptor.spaces.action, BranchedActions):
        raise UserError("its actions are several choices at once, of which there is no picture")
    policy, env = run.policy(which), run.recipe.env
    evaluator = Evaluator(env)
    try:
        observations, actions = evaluator.decisions(
            greedy(policy.agent, policy.params, evaluator.spaces), episodes, [seed, 2]
        )
        space = read_hybrid(evaluator.action_space)
    finally:
        evaluator.close()
    if space is None:
        return Choices(observations, actions, policy.adaptor.spaces.action.n, None, None)
    whole = space.table(env.choices)[actions] if env.choices else actions
    return Choices(observations, whole[:, 0].astype(int), space.actions.n, space.parameters(whole), space)


def panels(choices: Choices, across: np.ndarray, names: Sequence[str]) -> list[Panel]:
    """A panel for each parameter of each action, and for each action without any, of those chosen most often."""
    assert choices.space is not None
    assert choices.parameters is not None
    low, high = bounds(choices.space.boxes)
    sizes = choices.space.actions.sizes
    first = np.cumsum([0, *sizes])
    found = []
    for action in _most_chosen(choices.actions, len(sizes)):
        chosen = choices.actions == action
        name = f"{names[action]}: {_share(chosen)}"
        if not sizes[action]:
            found.append(Panel(name, across[chosen]))
        for number, column in enumerate(range(first[action], first[action + 1])):
            which = f", parameter {number}" if sizes[action] > 1 else ""
            within = float(low[column]), float(high[column])
            values = choices.parameters[chosen, column]
            found.append(Panel(f"{names[action]}{which}: {_share(chosen)}", across[chosen], values, within))
    return found[:MOST]


def _most_chosen(actions: np.ndarray, count: int) -> list[int]:
    """Up to ``MOST`` of ``count`` actions, in their order."""
    often = np.argsort(-np.bincount(actions, minlength=count), kind="stable")
    return sorted(often[:MOST].tolist())


def _share(chosen: np.ndarray) -> str:
    return f"{100 * chosen.mean():.0f}% of choices" if chosen.any() else "never chosen"


def _many(episodes: int) -> str:
    return f"{episodes} greedy episodes" if episodes > 1 else "one greedy episode"


def _draw_panels(found: Sequence[Panel], entry: Entry) -> Any:
    """Below one another where they are few, otherwise in columns."""
    columns = -(-len(found) // IN_A_COLUMN)
    rows = -(-len(found) // columns)
    heights = [TALL if columns > 1 or panel.values is not None else FLAT for panel in found[:rows]]
    figure = new_figure(max(WIDTH, 4.0 * columns), 1.1 + sum(heights))
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False, height_ratios=heights).T.ravel()
    for axes, panel in zip(grid, found, strict=False):
        _draw_panel(axes, panel)
        _draw_bands(axes, entry)
    for axes in grid[len(found) :]:
        axes.set_axis_off()
    for last in grid[rows - 1 :: rows]:
        last.set_xlabel(entry.name)
    figure.align_ylabels()
    return figure


def _draw_panel(axes: Any, panel: Panel) -> None:
    """Dots of the parameter against the entry; in a row where there is no parameter."""
    low, high = panel.bounds
    values = panel.values if panel.values is not None else np.zeros(len(panel.across))
    _dots(axes, panel.across, values)
    dress(axes, "", "parameter" if panel.values is not None else "")
    axes.set_title(panel.name, loc="left", fontsize=10)
    margin = 0.07 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_yticks(np.linspace(low, high, 3) if panel.values is not None else [])
    axes.yaxis.set_major_formatter("{x:.4g}")


def _draw_rows(actions: np.ndarray, entry: Entry, names: Sequence[str]) -> Any:
    """A row of dots for each action, spread within the row so that many do not hide one another."""
    shown = _most_chosen(actions, len(names))
    figure = new_figure(WIDTH, 1.4 + 0.8 * len(shown))
    axes = figure.add_subplot()
    spread = np.random.default_rng(0).uniform(-0.38, 0.38, len(actions))
    for row, action in enumerate(shown):
        chosen = actions == action
        _dots(axes, entry.values[chosen], row + spread[chosen])
    dress(axes, entry.name, "")
    _draw_bands(axes, entry)
    axes.set_yticks(range(len(shown)), [f"{names[action]}\n{_share(actions == action)}" for action in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    return figure


def _draw_bands(axes: Any, entry: Entry) -> None:
    for name, first, last in entry.bands:
        axes.axvspan(first, last, color="0.93", linewidth=0, zorder=0)
        place = {"xycoords": axes.get_xaxis_transform(), "xytext": (0, 3), "textcoords": "offset points"}
        axes.annotate(name, ((first + last) / 2, 0), **place, ha="center", fontsize=8, color="0.45")


def _dots(axes: Any, across: np.ndarray, values: np.ndarray) -> None:
    """Fainter and smaller where there are many; pixels also in an SVG, which thousands of dots would make slow."""
    opacity, size = float(np.clip(300 / max(len(across), 1), 0.1, 0.6)), 5.0 if len(across) < 3_000 else 2.5
    axes.plot(across, values, "o", color=LINE, alpha=opacity, markersize=size, mew=0, rasterized=True)
