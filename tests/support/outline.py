"""What a page consists of, and names that must stay text on it."""

from html.parser import HTMLParser

HOSTILE = "<img src=x onerror=alert(1)>"
HALF = "\ud800"
"""Half of a surrogate pair, which JSON may hold and UTF-8 not."""


class Outline(HTMLParser):
    """Elements that are open, and all there were with their attributes."""

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
