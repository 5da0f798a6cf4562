"""One chart as SVG, wide for a desk and narrow for a phone, with what its pointer tells as JSON."""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Literal, NamedTuple

import numpy as np
from markupsafe import Markup

from argmaxq.page.axes import Scale, scale, short
from argmaxq.page.svg import element, path

MOST = 400
"""Points of a series: more are thinned to as many."""
WIDE = 30.0
"""From this ratio of the greatest value to the least on, an axis that may be is logarithmic."""

LETTER = 7.0
"""Pixels that a letter of a tick takes."""


class Series(NamedTuple):
    """Values [n] over ``x`` [n], maybe with a band; NaN is a gap.

    Attributes:
        label: What it is called.
        x: Where its values are.
        y: The values.
        colour: Which of the style sheet's colours, from 1; 0 is faint.
        kind: A line, dots, or a thin line in the background, of which the pointer tells nothing.
        low: The band's lower edge, if there is one.
        high: Its upper edge.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    colour: int = 1
    kind: Literal["line", "dots", "marks", "thin"] = "line"
    low: np.ndarray | None = None
    high: np.ndarray | None = None


class Chart(NamedTuple):
    """A figure: what it shows, over what, in which unit, and what is normal there.

    Attributes:
        title: Above it.
        series: What is drawn, the last on top.
        across: What lies along the horizontal axis.
        up: What is measured.
        note: How to read it.
        within: A range that is shaded, since values there are healthy.
        zero: Whether a line marks 0.
        positive: Whether the axis begins at 0.
        logarithmic: Whether it may be logarithmic where values are of several magnitudes.
        extent: Values between which the vertical axis goes, if not between those that are drawn: bands may go beyond.
        names: What stands at the places 0, 1, ... along the horizontal axis, where these are no numbers.
        start: Where the horizontal axis begins at the latest.
    """

    title: str
    series: tuple[Series, ...]
    across: str = "environment steps"
    up: str = ""
    note: str = ""
    within: tuple[float, float] | None = None
    zero: bool = False
    positive: bool = False
    logarithmic: bool = False
    extent: tuple[float, float] | None = None
    names: tuple[str, ...] = ()
    start: float = 0.0


class Frame(NamedTuple):
    """A drawing's size and the room round its plot, in pixels."""

    width: float
    height: float
    left: float = 54.0
    right: float = 14.0
    top: float = 22.0
    bottom: float = 34.0


LARGE, PHONE, SMALL = Frame(900, 360), Frame(344, 260, 44, 8), Frame(344, 190, 44, 8, top=12)


def drawings(chart: Chart, small: bool = False) -> Markup:
    """The chart's SVGs: of a small one a single one, else one for wide and one for narrow screens."""
    if small:
        return draw(chart, SMALL, "")
    return draw(chart, LARGE, "wide") + draw(chart, PHONE, "narrow")


def draw(chart: Chart, frame: Frame, class_: str) -> Markup:
    """One SVG."""
    series = [thinned(each) for each in chart.series]
    x, y = _scales(chart, series, frame)
    parts = [*_ground(chart, frame, x, y), *(mark for each in series for mark in _marks(each, x, y))]
    clip = Markup("").join(parts)
    box = f"0 0 {frame.width:g} {frame.height:g}"
    name = f"{chart.title}: {', '.join(dict.fromkeys(each.label for each in chart.series if each.label))}"
    cursor = element("line", class_="cursor", x1=0, x2=0, y1=frame.top, y2=frame.height - frame.bottom)
    size = {"width": frame.width, "height": frame.height, "viewBox": box}
    plot = {"data_left": x.start, "data_right": x.end, "data_low": f"{x.low:.9g}", "data_high": f"{x.high:.9g}"}
    return element("svg", element("title", name), clip, cursor, class_=class_ or None, role="img", **size, **plot)


def hover(chart: Chart) -> dict[str, Any]:
    """What the pointer tells: each series' label, colour, and numbers, as many as are drawn."""
    told = [thinned(each) for each in chart.series if each.kind != "thin"]
    at = "step" if chart.across == Chart._field_defaults["across"] else chart.across
    names = {"names": list(chart.names)} if chart.names else {}
    return {"at": at, "series": [_told(each) for each in told], **names}


def thinned(series: Series) -> Series:
    """At most ``MOST`` of its points, evenly taken, the last included."""
    if len(series.x) <= MOST:
        return series
    kept = np.unique(np.linspace(0, len(series.x) - 1, MOST).round().astype(int))
    taken = {name: value[kept] for name, value in series._asdict().items() if isinstance(value, np.ndarray)}
    return series._replace(**taken)


def _told(series: Series) -> dict[str, Any]:
    band = (
        {} if series.low is None or series.high is None else {"lo": _numbers(series.low), "hi": _numbers(series.high)}
    )
    return {"n": series.label, "c": series.colour, "x": _numbers(series.x), "y": _numbers(series.y), **band}


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in map(float, values)]


def _scales(chart: Chart, series: Sequence[Series], frame: Frame) -> tuple[Scale, Scale]:
    across = np.concatenate([each.x for each in series] or [np.zeros(1)])
    edges = [np.array(chart.extent)] if chart.extent else [edge for each in series for edge in _seen(each)]
    values = np.concatenate([edge[np.isfinite(edge)] for edge in edges] or [np.zeros(0)])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    many = chart.logarithmic and low > 0 and high > WIDE * low
    margin = 0.06 * (high - low)
    low, high = (low / 1.3, high * 1.3) if many else (low - margin, high + margin)
    if chart.positive and not many and values.size and float(values.min()) >= 0:
        low = 0.0
    first = min(chart.start, float(across.min())) if across.size else 0.0
    last = float(across.max()) if across.size else 1.0
    if chart.names:
        first, last = -0.5, len(chart.names) - 0.5
    x = scale(first, last, frame.left, frame.width - frame.right)
    return x, scale(low, high, frame.height - frame.bottom, frame.top, many)


def _seen(series: Series) -> list[np.ndarray]:
    """What must be within the axes: of many dots all but the outermost."""
    if series.kind == "dots" and len(series.y) > 50:
        finite = series.y[np.isfinite(series.y)]
        return [np.percentile(finite, [0.5, 99.5])] if finite.size else []
    return [edge for edge in (series.y, series.low, series.high) if edge is not None]


def _ground(chart: Chart, frame: Frame, x: Scale, y: Scale) -> list[Markup]:
    """Healthy range, grid, ticks and the names of the axes."""
    bottom, parts = frame.height - frame.bottom, []
    if chart.within:
        top, low = (min(max(y(value), frame.top), bottom) for value in reversed(chart.within))
        size = {"width": x.end - x.start, "height": max(low - top, 0.0)}
        parts.append(element("rect", class_="healthy", x=x.start, y=top, **size))
    ups = y.ticks(5 if frame.height > 200 else 4)
    every = ups[1] - ups[0] if len(ups) > 1 and not y.logarithmic else 0.0
    for value in ups:
        at = y(value)
        parts.append(element("line", class_="grid", x1=x.start, x2=x.end, y1=at, y2=at))
        parts.append(element("text", short(value, every), class_="tick up", x=frame.left - 7, y=at + 4))
    for at, text in _across(chart, x, 8 if frame.width > 500 else 4):
        parts.append(element("text", text, class_="tick", x=at, y=bottom + 17))
    parts.append(element("line", class_="axis", x1=x.start, x2=x.end, y1=bottom, y2=bottom))
    parts.append(element("text", chart.across, class_="name", x=x.end, y=frame.height - 3))
    if chart.up:
        parts.append(element("text", chart.up, class_="name first", x=4.0, y=11.0))
    if chart.zero and y.low < 0 < y.high:
        parts.append(element("line", class_="zero", x1=x.start, x2=x.end, y1=y(0.0), y2=y(0.0)))
    return parts


def _across(chart: Chart, x: Scale, count: int) -> list[tuple[float, str]]:
    """Where the ticks of the horizontal axis stand, and their text; names only as long as there is room for."""
    if chart.names:
        room = max(3, int((x.end - x.start) / len(chart.names) / LETTER))
        return [(x(place), name) for place, name in enumerate(fitted(chart.names, room))]
    values = x.ticks(count)
    apart = values[1] - values[0] if len(values) > 1 else 0.0
    return [(x(value), short(value, apart)) for value in values]


def fitted(names: Sequence[str], most: int) -> list[str]:
    """Each name in at most so many letters, and still another one than all others where that is possible.

    Names that would look alike lose the beginning that they share.
    """
    found = [clipped(name, most) for name in names]
    alike = [name for name, text in zip(names, found, strict=True) if found.count(text) > names.count(name)]
    shared = len([*takewhile(lambda letters: len({*letters}) == 1, zip(*alike, strict=False))])
    return [
        text if name not in alike else f"…{name[shared : shared + most - 1]}"
        for name, text in zip(names, found, strict=True)
    ]


def clipped(text: str, most: int) -> str:
    """At most so many letters of a text, an ellipsis where some are missing: in its middle, since ends differ."""
    front = most // 2
    return text if len(text) <= most else f"{text[:front]}…{text[len(text) - (most - 1 - front) :]}"


def _marks(series: Series, x: Scale, y: Scale) -> list[Markup]:
    found, colour = [], f"c{series.colour}"
    bottom, top = y.start, y.end

    def at(value: float) -> float:
        return min(max(y(value), top), bottom)

    def whole(*edges: np.ndarray) -> np.ndarray:
        return np.all([np.isfinite(edge) for edge in (series.x, *edges)], axis=0)

    if series.low is not None and series.high is not None and series.kind != "marks":
        kept = whole(series.low, series.high)
        xs = [x(float(each)) for each in series.x[kept]]
        lower = list(zip(xs, (at(float(each)) for each in series.low[kept]), strict=True))
        upper = list(zip(xs, (at(float(each)) for each in series.high[kept]), strict=True))
        if lower:
            found.append(element("path", class_=f"band {colour}", d=path([*lower, *reversed(upper)], closed=True)))
    kept = whole(series.y)
    points = [(x(float(a)), at(float(b))) for a, b in zip(series.x[kept], series.y[kept], strict=True)]
    if series.kind in ("dots", "marks"):
        if series.low is not None and series.high is not None:
            ends = zip(points, series.low[kept], series.high[kept], strict=True)
            bars = "".join(f"M{a:.1f} {at(float(low)):.1f}V{at(float(high)):.1f}" for (a, _), low, high in ends)
            found.append(element("path", class_=f"whisker {colour}", d=bars) if bars else Markup(""))
        size = "big" if series.kind == "marks" else "dot"
        dots = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in points)  # a line without length has a round end: a dot
        return [*found, element("path", class_=f"{size} {colour}", d=dots)] if dots else found
    if len(points) == 1:
        return [*found, element("path", class_=f"big {colour}", d=f"M{points[0][0]:.1f} {points[0][1]:.1f}h0")]
    style = "thin" if series.kind == "thin" else "line"
    return [*found, *(element("path", class_=f"{style} {colour}", d=path(own)) for own in _parts(kept, points))]


def _parts(kept: np.ndarray, points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The pieces of a line between the gaps; what is gone for a while is no line."""
    parts: list[list[tuple[float, float]]] = [[]]
    coming = iter(points)
    for there in kept:
        if there:
            parts[-1].append(next(coming))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]
