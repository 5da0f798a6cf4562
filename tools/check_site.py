"""What is wrong with the built site, a line each: ``python tools/check_site.py [FOLDER]`` ends with 1 if there is any.

Zensical's strict mode knows of broken links and references in Markdown. This looks at what came of it: every file and
anchor that a page names, what a browser would fetch from elsewhere, and whether navigation and pages agree.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).parents[1]
FETCHING = ("iframe", "img", "link", "script", "source", "video")
"""Tags for which a browser asks by itself; a link to elsewhere waits for its reader."""


class Page(HTMLParser):
    """Names and references of one page: ``ids``, and (tag, address) of each of its ``references``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.references: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            elif name in ("href", "src", "poster") and value:
                self.references.append((tag, value))


def located(path: str, file: Path, site: Path) -> Path:
    """The file that ``path`` means on the page ``file``."""
    return (site / path[1:] if path.startswith("/") else file.parent / path).resolve() if path else file


def broken(site: Path) -> Iterator[str]:
    """What pages of ``site`` name that is not there, or is not theirs to fetch."""
    site = site.resolve()
    pages = {file: Page(file.read_text()) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        where = file.relative_to(site)
        for tag, address in page.references:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if tag in FETCHING and parts.scheme != "data":
                    yield f"{where}: <{tag}> fetches {address}"
                continue
            target = located(unquote(parts.path), file, site)
            if not target.exists():
                yield f"{where}: {address} is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{where}: {address} has no such anchor"


def named(nav: Any) -> Iterator[str]:
    """All pages that a navigation names."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from named(each)


def astray(nav: Any, docs: Path) -> Iterator[str]:
    """Pages that the navigation names and ``docs`` lacks, and the other way round."""
    listed = set(named(nav))
    written = {str(file.relative_to(docs)) for file in docs.rglob("*.md")}
    yield from (f"mkdocs.yml: nav names {name}, which is not there" for name in sorted(listed - written))
    yield from (f"docs/{name}: no entry of nav in mkdocs.yml" for name in sorted(written - listed))


def main(site: Path = ROOT / "build" / "site") -> int:
    """Print what is wrong; 1 if anything is."""
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    found = [*astray(nav, ROOT / "docs")] or [*broken(site)]  # what navigation lacks is broken on every page
    print("\n".join(found) or "every link, anchor, file and entry of the navigation is there")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
