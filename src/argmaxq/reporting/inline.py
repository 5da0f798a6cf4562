"""What a notebook shows of a run: HTML that holds all it needs, so that it is still there in a saved notebook."""

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.reporting.curve import draw_curve
from argmaxq.reporting.pictures import WIDTH
from argmaxq.reporting.text import opening, outcome

PIXELS = 96
"""Of a page, to an inch of a figure."""
WIDEST = 720
"""Of a page's pixels, that a film takes at most."""


def run_html(config: Mapping[str, Any], summary: Mapping[str, Any], path: Path, parts: Sequence[Path]) -> str:
    """A run in words, with its curve if any episode has ended; ``parts`` are the folders of its seeds."""
    words = opening(config, path) + (f"\n{outcome(config, summary, path)}" if summary else "\n  not trained yet")
    try:
        curve = image(in_memory(lambda file: draw_curve(list(parts), file), ".png"), "image/png", WIDTH * PIXELS)
    except UserError:
        curve = ""
    return f"<pre>{escape(words)}</pre>{curve}"


def in_memory(make: Callable[[Path], object], suffix: str) -> bytes:
    """The content of a file that ``make`` writes."""
    with TemporaryDirectory(prefix="argmaxq-") as folder:
        file = Path(folder) / f"shown{suffix}"
        make(file)
        return file.read_bytes()


def image(content: bytes, kind: str, width: float = WIDEST) -> str:
    """A picture of a MIME type, at most so many of a page's pixels wide."""
    return f'<img src="{data_url(content, kind)}" style="{_narrower(width)}" alt="">'


def video(content: bytes, width: float = WIDEST) -> str:
    """A film (MP4) that plays at once, silently and again and again, with controls."""
    source = data_url(content, "video/mp4")
    return f'<video controls autoplay loop muted playsinline src="{source}" style="{_narrower(width)}"></video>'


def _narrower(width: float) -> str:
    return f"max-width: min(100%, {width:.0f}px)"


def data_url(content: bytes, kind: str) -> str:
    """Content as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text."""
    return f"<table>{_row(head, 'th')}{''.join(_row(row, 'td') for row in rows)}</table>"


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(each)}</{tag}>" for each in cells) + "</tr>"
