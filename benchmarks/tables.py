"""Medians and ratios of the samples: as a table in the terminal, as Markdown and as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from comparisons import COMPARISONS, Line
from measure import Sample

HEADINGS = ("what", "unit", "argmaxq", "other", "which other", "ratio", "bar")


@dataclass(frozen=True)
class Result:
    """A line of the table with its numbers: medians of each side, the samples' median ratio and its range."""

    line: Line
    ours: float
    peer: float
    ratio: float
    least: float
    greatest: float

    @property
    def cells(self) -> tuple[str, ...]:
        line = self.line
        ratio = f"{number(self.ratio)} ({number(self.least)} to {number(self.greatest)})"
        return line.what, line.unit, number(self.ours), number(self.peer), line.peer_name, ratio, line.bar


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def result(line: Line, samples: Sequence[Sample]) -> Result:
    """Both sides of a sample ran one after the other, so the ratio is formed in each and a slow minute cancels out."""
    pairs = [(sample[line.ours], sample[line.peer]) for sample in samples]
    ratios = [ours / peer if line.ratio == "ours/peer" else peer / ours for ours, peer in pairs]
    ours, peer = map(statistics.median, zip(*pairs, strict=True))
    return Result(line, ours, peer, statistics.median(ratios), min(ratios), max(ratios))


def results(samples: Mapping[str, Sequence[Sample]]) -> list[Result]:
    """All lines of the comparisons that were sampled."""
    return [result(line, taken) for name, taken in samples.items() for line in COMPARISONS[name].lines]


def show(rows: Sequence[Result]) -> None:
    """Print the table."""
    table = Table(*HEADINGS, title="Side by side: medians, and the median of the ratios (their range)")
    for row in rows:
        table.add_row(*row.cells)
    Console().print(table)


def markdown(rows: Sequence[Result], about: Mapping[str, Any]) -> str:
    """The same table as a Markdown page fragment that says where it was measured."""
    lines = [
        "| " + " | ".join(cells) + " |" for cells in (HEADINGS, ("---",) * len(HEADINGS), *(r.cells for r in rows))
    ]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    said = (
        f"Medians of {about['repeats']} repeats on {about['cores']} cores ({about['machine']}), "
        f"Python {about['python']}: {versions}."
    )
    return "\n".join([*lines, "", said, ""])


def as_json(
    rows: Sequence[Result], about: Mapping[str, Any], samples: Mapping[str, Sequence[Sample]]
) -> dict[str, Any]:
    """Everything, the samples included."""
    return {
        "about": dict(about),
        "results": [asdict(row.line) | {"ours": row.ours, "peer": row.peer, "ratio": row.ratio} for row in rows],
        "samples": {name: list(taken) for name, taken in samples.items()},
    }
