"""Where a trained agent is greedy for which action, as regions in colours that can be told apart."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

SHADES = ("#00224E", "#FDE737", "#7C7B78", "#C9B84F", "#3E4C6E", "#F5F5F5")
"""Colours of few actions: neighbours differ in lightness, so that they also do so in grey."""
MANY = (
    "#332288", "#DDCC77", "#117733", "#88CCEE", "#CC6677", "#44AA99", "#882255", "#999933", "#AA4499", "#EE7733",
)  # fmt: skip
"""Colours of more (Tol's muted ones, which colour-blind eyes tell apart, and an orange)."""
OTHERS, NOTHING = "#BBBBBB", "nothing learnt"
STYLES = ("-", "--", ":")
LETTERS = 20
"""Of a legend's line."""


class Regions(NamedTuple):
    """Places coloured by action: how each action that occurs is drawn, and what the legend says.

    Attributes:
        colours: Of each action [actions]; those that share one are told as others.
        labels: Of the legend, with their colours.
    """

    colours: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


def regions(best: np.ndarray, names: Sequence[str]) -> Regions:
    """The colours of the actions that occur in ``best`` (any shape), the most frequent ones a colour each.

    Of at most six actions each has always the same colour, and all are told.
    """
    if len(names) <= len(SHADES):
        return Regions(SHADES[: len(names)], tuple(zip(names, SHADES, strict=False)))
    often = np.bincount(best.ravel(), minlength=len(names))
    there = np.argsort(-often, kind="stable")[: int((often > 0).sum())]
    own = sorted(there[: len(MANY)].tolist())
    colours = [OTHERS] * len(names)
    for action, colour in zip(own, MANY, strict=False):
        colours[action] = colour
    labels = [(names[action], colours[action]) for action in own]
    rest = len(there) - len(own)
    more = [(f"{rest} other actions" if rest > 1 else "1 other action", OTHERS)] if rest else []
    return Regions(tuple(colours), (*labels, *more))


def draw_regions(axes: Any, at: Sequence[np.ndarray], best: np.ndarray, learnt: np.ndarray, drawn: Regions) -> None:
    """Colour each place [across, up] by its greedy action; hatched where nothing is ``learnt`` (bool, the same)."""
    from matplotlib.colors import ListedColormap

    shades, last = ListedColormap(list(drawn.colours)), len(drawn.colours) - 0.5
    shown = np.ma.masked_where(~learnt, best)
    if not learnt.all():
        axes.patch.set(facecolor="white", edgecolor="0.8", hatch="////")
    axes.pcolormesh(*at, shown.T, cmap=shades, vmin=-0.5, vmax=last, shading="nearest", rasterized=True)


def draw_lines(axes: Any, across: np.ndarray, q: np.ndarray, drawn: Regions) -> None:
    """The value of each action [points, actions] along one entry."""
    for action, colour in enumerate(drawn.colours):
        if colour != OTHERS:
            axes.plot(across, q[:, action], color=colour, linewidth=2, linestyle=STYLES[action % len(STYLES)])


def draw_legend(figure: Any, drawn: Regions, blank: bool) -> None:
    """What the colours mean, in a column of its own beside the picture; ``blank``: nothing is learnt in some places."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, edgecolor="black", label=folded(name)) for name, colour in drawn.labels]
    if blank:
        patches.append(Patch(facecolor="white", edgecolor="0.8", hatch="////", label=NOTHING))
    figure.legend(handles=patches, loc="outside right center", frameon=False, fontsize=9)


def folded(name: str) -> str:
    """A name in lines short enough for a legend."""
    return "\n".join(wrap(name, LETTERS)) or name
