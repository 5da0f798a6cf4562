"""Tables of measurements in the pages, made of the files they stand in: ``make tables``.

A page says ``<!-- table: measurements/NAME.toml -->`` where a table begins and ``<!-- end of table -->`` after it; what
is between is written anew. ``docs/measurements/README.md`` says what a file holds. ``--check`` writes nothing and
fails where a page is not what the files say.
"""

import argparse
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
TABLE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
LARGE = 1_000
"""Whole numbers from here on are written as 5.8k, 1.6M."""


def read(path: Path) -> dict[str, Any]:
    """A file of measurements, TOML or JSON; numbers with a point stay as they are written, 441.0 with its 0."""
    load = tomllib.loads if path.suffix == ".toml" else json.loads
    found: dict[str, Any] = load(path.read_text(), parse_float=str)
    return found


def cell(value: Any) -> str:
    """A figure as a table shows it."""
    if isinstance(value, Mapping):
        return spread(value)
    if isinstance(value, int) and abs(value) >= LARGE:
        return f"{value / 1_000_000:g}M" if abs(value) >= 1_000_000 else f"{value / 1_000:g}k"
    return str(value)


def spread(figure: Mapping[str, Any]) -> str:
    """Mean, median (quartiles), range of several seeds, as far as they are known, and what is to be said of them."""
    middle = [cell(figure[name]) for name in ("mean", "median") if name in figure]
    if "quartiles" in figure:
        middle[-1] += " ({}, {})".format(*map(cell, figure["quartiles"]))
    ends = ["{} to {}".format(*map(cell, figure["range"]))] if "range" in figure else []
    return "; ".join([", ".join([*middle, *ends]), *([figure["remark"]] if "remark" in figure else [])])


def table(data: Mapping[str, Any]) -> str:
    """Rows below the headings of ``columns``; what a row does not have stays empty."""
    columns: Mapping[str, str] = data["columns"]
    rows = [[cell(row.get(name, "")) for name in columns] for row in data["rows"]]
    first, *lines = [
        "|" + "".join(f" {each} |".replace("  ", " ") for each in row) for row in (columns.values(), *rows)
    ]
    return "\n".join([first, "|" + "---|" * len(columns), *lines])


def rendered(page: str, folder: Path = DOCS) -> str:
    """A page with its tables as the files below ``folder`` say."""
    return TABLE.sub(lambda found: f"{found[1]}\n{table(read(folder / found[2]))}\n\n{found[3]}", page)


def pages() -> list[Path]:
    """All pages that have such tables."""
    return [path for path in sorted(DOCS.glob("*.md")) if TABLE.search(path.read_text())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is not up to date")
    check = parser.parse_args().check
    old = [path for path in pages() if path.read_text() != rendered(path.read_text())]
    for path in old:
        if not check:
            path.write_text(rendered(path.read_text()))
        print(f"{'is not what the files say' if check else 'written'}: {path}")
    raise SystemExit(bool(old) and check)


if __name__ == "__main__":
    main()
