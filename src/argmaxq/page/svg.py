"""A small writer of SVG: elements as escaped text, numbers no longer than is seen."""

from typing import Any

from markupsafe import Markup, escape


def element(name: str, *children: Markup | str, **attributes: Any) -> Markup:
    """``<name attributes>children</name>``; ``class_`` stands for ``class``, ``stroke_width`` for ``stroke-width``.

    Text is escaped, and what is None is left out. Colours and fonts are the style sheet's, by class.
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = Markup("").join(Markup(' {}="{}"').format(key, shown(value)) for key, value in given.items())
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, Markup("").join(map(escape, children)))


def shown(value: Any) -> str:
    """A number with at most two decimals; anything else as its text."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def path(points: list[tuple[float, float]], closed: bool = False) -> str:
    """The ``d`` of a line through points, or of the area that they surround."""
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return line + "Z" * closed
