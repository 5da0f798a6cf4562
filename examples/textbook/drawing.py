"""How the figures look: lines that dashes and markers tell apart in grey, axes named as in the book."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from argmaxq.components.errors import UserError
from argmaxq.reporting.pictures import EVALUATION, LINE, checked, dress, new_figure, save

__all__ = ["draw_lines", "finish", "new_figure", "place"]
STYLES = [
    {"color": LINE, "linestyle": "-", "marker": "o"},
    {"color": EVALUATION, "linestyle": "--", "marker": "s", "markerfacecolor": "white"},
    {"color": "black", "linestyle": "-.", "marker": "^"},
    {"color": "#009E73", "linestyle": ":", "marker": "D"},
    {"color": "#CC79A7", "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v", "markerfacecolor": "white"},
    {"color": "#56B4E9", "linestyle": (0, (3, 1)), "marker": "P"},
    {"color": "#7C7B78", "linestyle": (0, (1, 1)), "marker": "X", "markerfacecolor": "white"},
    {"color": "#8C5A00", "linestyle": (0, (8, 2)), "marker": "*"},
]
"""Okabe and Ito's palette; dashes and markers differ for eyes and printers that see no colours."""
Curve = tuple[np.ndarray, np.ndarray]


def place(script: str, description: str | None) -> Path:
    """Where the command line wants the picture: its argument, by default runs/textbook/SCRIPT.png."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path("runs/textbook", Path(script).stem + ".png"))
    parser.epilog = "OUT ends in .png or .svg"
    try:
        return checked(parser.parse_args().out)
    except UserError as error:
        return parser.error(str(error))


def draw_lines(axes: Any, curves: Mapping[str, Curve], across: str, up: str, title: str = "") -> Any:
    """Curves (x [n], y [n]) by name, each with a style of its own and about ten markers; returns the axes."""
    for number, (name, (x, y)) in enumerate(curves.items()):
        many, style = max(1, len(x) // 10), STYLES[number % len(STYLES)]
        first = number * many // max(len(curves), 1)
        axes.plot(x, y, label=name, **style, linewidth=1.6, markersize=5, markevery=(first % len(x), many))
    dress(axes, across, up)
    axes.set_title(title, loc="left", fontsize=11)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)
    return axes


def finish(figure: Figure, out: Path) -> None:
    """Write the picture and say where."""
    print(save(figure, out))
