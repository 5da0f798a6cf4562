"""Heat maps: the interquartile mean of each setting over the two axes that matter most."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from argmaxq.page.axes import short
from argmaxq.page.chart import LETTER, clipped
from argmaxq.page.studies.loaded import Cell, Group
from argmaxq.page.svg import element
from argmaxq.reporting.text import number
from argmaxq.reporting.verdicts import Setting, interval

ROW, LEFT, TOP, BOTTOM = 40.0, 76.0, 24.0, 40.0
FAINT, STRONG = 0.05, 0.5
"""Opacities of the least and the greatest: text on either can be read, in light and dark."""
MOST = 24
"""Maps of one group."""


class Map(NamedTuple):
    """A drawing, and which values of the other axes it is of."""

    title: str
    svg: Markup


def maps(group: Group, order: Sequence[str], found: Mapping[str, Setting], names: Mapping[str, str]) -> list[Map]:
    """A map for every combination of the axes beyond the first two of ``order``; none for fewer than two axes."""
    if len(order) < 2:
        return []
    down, across = sorted(order[:2], key=lambda axis: len(group.axes[axis]))
    others = list(group.combinations([down, across]))[:MOST]
    return [
        Map(", ".join(f"{names[axis]} {value}" for axis, value in own.items()), both)
        for own in others
        if (both := _both(group, down, across, own, found, names, len(others) > 1))
    ]


def _both(
    group: Group,
    down: str,
    across: str,
    others: Mapping[str, str],
    found: Mapping[str, Setting],
    names: Mapping[str, str],
    small: bool,
) -> Markup:
    """The SVG of a small map; else one for wide and one for narrow screens."""
    rows = [
        [group.at({**others, down: row, across: column}) for column in group.axes[across]] for row in group.axes[down]
    ]
    if not any(cell for row in rows for cell in row):
        return Markup("")
    sizes = {"": 344.0} if small else {"wide": 640.0, "narrow": 344.0}
    values = group.axes[down], group.axes[across]
    labels = names[down], names[across]
    return Markup("").join(_draw(rows, values, labels, found, width, class_) for class_, width in sizes.items())


def _draw(
    rows: Sequence[Sequence[Cell | None]],
    values: tuple[Sequence[str], Sequence[str]],
    labels: tuple[str, str],
    found: Mapping[str, Setting],
    width: float,
    class_: str,
) -> Markup:
    points = [each.iqm.point for each in found.values()]
    low, high, wide = min(points), max(points), (width - LEFT - 4) / len(values[1])
    parts = []
    for y, row in enumerate(rows):
        parts.append(_text(clipped(values[0][y], int((LEFT - 8) / LETTER)), "tick up", LEFT - 7, TOP + ROW * (y + 0.6)))
        for x, cell in enumerate(row):
            if cell is not None:
                place = LEFT + wide * x, TOP + ROW * y
                parts.append(_cell(cell, found[cell.label], (low, high), place, wide))
    height = TOP + ROW * len(rows) + BOTTOM
    for x, value in enumerate(values[1]):
        name = clipped(value, max(2, int(wide / LETTER)))
        parts.append(_text(name, "tick", LEFT + wide * (x + 0.5), height - BOTTOM + 16))
    parts += [_text(labels[0], "name first", 2.0, 13.0), _text(labels[1], "name", width - 4, height - 5)]
    title = f"Interquartile mean over {labels[0]} and {labels[1]}, from {short(low)} to {short(high)}"
    size = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    return element("svg", element("title", title), *parts, role="img", class_=f"map {class_}".strip(), **size)


def _cell(cell: Cell, found: Setting, ends: tuple[float, float], place: tuple[float, float], wide: float) -> Markup:
    low, high = ends
    share = (found.iqm.point - low) / (high - low) if high > low else 0.5
    told = element("title", f"{cell.label}: {interval(found.iqm)}, {len(found.scores)} seeds")
    ground = element(
        "rect", class_="cell best" if share == 1 else "cell", x=place[0] + 1, y=place[1] + 1, width=wide - 2,
        height=ROW - 2, rx=4, fill_opacity=FAINT + (STRONG - FAINT) * share,
    )  # fmt: skip
    shown = number(found.iqm.point, ends)
    shown = shown if len(shown) * LETTER < wide else short(found.iqm.point)
    return element("g", told, ground, _text(shown, "score", place[0] + wide / 2, place[1] + ROW / 2 + 4))


def _text(text: str, class_: str, x: float, y: float) -> Markup:
    return element("text", text, class_=class_, x=x, y=y)
