"""Heat maps: the interquartile mean of each setting over the two axes that matter most."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from argmaxq.page.axes import short
from argmaxq.page.chart import LETTER, fitted
from argmaxq.page.studies.loaded import Cell, Group
from argmaxq.page.svg import element
from argmaxq.reporting.text import number
from argmaxq.reporting.verdicts import Setting, interval

ROW, LEFT, TOP, BOTTOM = 40.0, 76.0, 24.0, 40.0
SMALL, SIZES = {"": 344.0}, {"wide": 640.0, "narrow": 344.0}
"""Widths by class: of several maps, and of one, which is drawn for a desk and for a phone."""
FAINT, STRONG = 0.05, 0.5
"""Opacities of the least and the greatest: text on either can be read, in light and dark."""
MOST = 24
"""Maps of one group."""


class Map(NamedTuple):
    """A drawing, and which values of the other axes it is of."""

    title: str
    svg: Markup


class Axis(NamedTuple):
    """What an axis is called, and its values."""

    name: str
    values: Sequence[str]


class Plane(NamedTuple):
    """Settings over two axes, None where there is none, and what each comes to, by its label."""

    down: Axis
    across: Axis
    rows: Sequence[Sequence[Cell | None]]
    found: Mapping[str, Setting]

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of all settings of the group."""
        points = [each.iqm.point for each in self.found.values()]
        return min(points), max(points)


def maps(group: Group, order: Sequence[str], found: Mapping[str, Setting], names: Mapping[str, str]) -> list[Map]:
    """A map for every combination of the axes beyond the first two of ``order``.

    None of fewer than two axes, nor where most places would be empty, as of values drawn at random.
    """
    if len(order) < 2:
        return []
    down, across = sorted(order[:2], key=lambda axis: len(group.axes[axis]))
    others = group.combinations([down, across])
    if 2 * len(group.cells) < len(others) * len(group.axes[down]) * len(group.axes[across]):
        return []
    sides = Axis(names[down], group.axes[down]), Axis(names[across], group.axes[across])
    drawn = []
    for own in others[:MOST]:
        rows = [[group.at({**own, down: y, across: x}) for x in group.axes[across]] for y in group.axes[down]]
        plane, sizes = Plane(*sides, rows, found), SIZES if len(others) == 1 else SMALL
        svg = Markup("").join(_draw(plane, width, class_) for class_, width in sizes.items())
        drawn.append(Map(", ".join(f"{names[axis]} {value}" for axis, value in own.items()), svg))
    return drawn


def _draw(plane: Plane, width: float, class_: str) -> Markup:
    wide = (width - LEFT - 4) / len(plane.across.values)
    height = TOP + ROW * len(plane.rows) + BOTTOM
    parts = []
    called = fitted(plane.down.values, int((LEFT - 8) / LETTER))
    for y, (name, row) in enumerate(zip(called, plane.rows, strict=True)):
        parts.append(_text(name, "tick up", LEFT - 7, TOP + ROW * (y + 0.6)))
        places = ((LEFT + wide * x, TOP + ROW * y) for x in range(len(row)))
        parts += [_cell(cell, plane, place, wide) for cell, place in zip(row, places, strict=True) if cell is not None]
    for x, name in enumerate(fitted(plane.across.values, max(3, int(wide / LETTER)))):
        parts.append(_text(name, "tick", LEFT + wide * (x + 0.5), height - BOTTOM + 16))
    parts.append(_text(plane.down.name, "name first", 2.0, 13.0))
    parts.append(_text(plane.across.name, "name", width - 4, height - 5))
    low, high = map(short, plane.ends)
    title = f"Interquartile mean over {plane.down.name} and {plane.across.name}, from {low} to {high}"
    size = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    return element("svg", element("title", title), *parts, role="img", class_=f"map {class_}".strip(), **size)


def _cell(cell: Cell, plane: Plane, place: tuple[float, float], wide: float) -> Markup:
    found, (low, high) = plane.found[cell.label].iqm, plane.ends
    share = (found.point - low) / (high - low) if high > low else 0.5
    told = element("title", f"{cell.label}: {interval(found)}, {len(cell.scores)} seeds")
    ground = element(
        "rect", class_="cell best" if share == 1 else "cell", x=place[0] + 1, y=place[1] + 1, width=wide - 2,
        height=ROW - 2, rx=4, fill_opacity=FAINT + (STRONG - FAINT) * share,
    )  # fmt: skip
    score = number(found.point, (low, high))
    score = score if len(score) * LETTER < wide else short(found.point)
    return element("g", told, ground, _text(score, "score", place[0] + wide / 2, place[1] + ROW / 2 + 4))


def _text(text: str, class_: str, x: float, y: float) -> Markup:
    return element("text", text, class_=class_, x=x, y=y)
