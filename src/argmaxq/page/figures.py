"""Charts as a page holds them, and what cannot be shown, as a sentence."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from markupsafe import Markup

from argmaxq.components.errors import UserError
from argmaxq.page.chart import Chart, drawings, hover

T = TypeVar("T")


class Figure(NamedTuple):
    """A chart's title and note, its drawings, its legend as (colour, label, kind), and what its pointer tells."""

    title: str
    note: str
    up: str
    svg: Markup
    legend: tuple[tuple[int, str, str], ...]
    data: Markup


def figure(chart: Chart, small: bool = False) -> Figure:
    """A chart as a page holds it."""
    legend = tuple((each.colour, each.label, each.kind) for each in chart.series if each.label)
    shown = legend if len(legend) > 1 or not small else ()
    return Figure(chart.title, chart.note, chart.up, drawings(chart, small), shown, block(hover(chart)))


def block(data: Any) -> Markup:
    """JSON that may stand in a ``script`` of a page: nothing in it ends the script or begins a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


class Missing(NamedTuple):
    """Why a part of the page is not there."""

    why: str


def tried(build: Callable[[], T], what: str) -> T | Missing:
    """What is built, or why it could not be: one part that is damaged leaves the others as they are."""
    try:
        return build()
    except UserError as fault:
        return Missing(f"{what}: {fault}")
