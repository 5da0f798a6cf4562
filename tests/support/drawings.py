"""What is written in pictures and on pages, records of losses to draw, and names that must stay text."""

from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from argmaxq.runs.records import Records

HOSTILE = "<img src=x onerror=alert(1)>"
HALF = "\ud800"
"""Half of a surrogate pair, which JSON may hold and UTF-8 not."""


def texts(svg: Path) -> list[str]:
    """What is written in a picture: Matplotlib puts each text into a comment beside its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.parse(svg, parser)
    return [str(node.text).strip() for node in tree.iter() if node.tag is ElementTree.Comment]


def metrics(folder: Path, *losses: float, **others: float) -> Path:
    folder.mkdir(parents=True)
    records = Records(folder)
    rows = [{"step": 100 * number, "loss": loss, **others} for number, loss in enumerate(losses, start=1)]
    records.append("metrics", [{"step": 0, "epsilon": 1.0}, *rows])
    records.flush()
    return folder


class Outline(HTMLParser):
    """What a page consists of: elements that are open, and all there were with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
