"""Which of several settings is better, in a table and in plain words, from their seeds' scores alone."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from argmaxq import statistics
from argmaxq.components.errors import UserError
from argmaxq.reporting.text import number
from argmaxq.statistics import LEVEL, Estimate, Scores

BLANK = "-"
HEADS = ("", "seeds", "interquartile mean", "mean", "median", "worst to best seed")
FEW = 4
"""Of fewer scores than this an interquartile mean leaves none out: it is the mean."""


class Setting(NamedTuple):
    """One setting: its label, its scores [seeds] or [seeds, tasks], and what stands for them."""

    label: str
    scores: np.ndarray
    iqm: Estimate
    mean: Estimate
    median: Estimate


class Verdict(NamedTuple):
    """The setting with the greater interquartile mean against another one.

    Attributes:
        better: Its label.
        other: The other one's.
        seeds: How many seeds each has.
        probability: That a run of the better one scores more than one of the other.
        difference: Of their interquartile means.
        target: A difference to be sure of, and ``needed`` is how many seeds of each would be; 0 where none can be said.
        needed: See ``target``.
        sure: Whether the difference's interval leaves 0 out.
    """

    better: str
    other: str
    seeds: tuple[int, int]
    probability: Estimate
    difference: Estimate
    target: float
    needed: int
    sure: bool

    @property
    def words(self) -> str:
        """In one sentence."""
        first, second = self.seeds
        many = f"{first} seed{'s' * (first > 1)} each" if first == second else f"{first} and {second} seeds"
        chance = (
            f"a run of {self.better} beats a run of {self.other} with probability {_share(self.probability)}, {many}"
        )
        by = f"difference {interval(self.difference)}"
        if self.difference.point == 0 == self.difference.low:
            return f"{self.better} and {self.other} score the same, {many}"
        unsure = "" if self.sure else ", so they cannot be told apart yet"
        plan = f"{self.needed:,} seeds each would be needed to be sure of {_plain(self.target)}" if self.needed else ""
        return "; ".join(filter(None, [chance, by + unsure, plan]))


class Comparison(NamedTuple):
    """Settings in the order in which they were given, and verdicts on the best one against each other one."""

    settings: tuple[Setting, ...]
    verdicts: tuple[Verdict, ...]
    level: float

    @property
    def brackets(self) -> list[str]:
        """What the table holds in brackets, in a line if there are any."""
        means = [each.iqm if self._trimmed else each.mean for each in self.settings]
        ways = dict.fromkeys(each.method for each in means if math.isfinite(each.low))
        named = "interquartile mean" if self._trimmed else "mean"
        return [f"in brackets: {100 * LEVEL:g} % intervals over seeds ({named}: {', '.join(ways)})"] if ways else []

    @property
    def notes(self) -> list[str]:
        """What must be known to read it."""
        notes = self.brackets
        if len(self.verdicts) > 1:
            pairs = math.comb(len(self.settings), 2)
            notes.append(f"verdicts are {100 * LEVEL:g} % sure all together (Bonferroni, {pairs} pairs)")
        few = min(len(each.scores) for each in self.settings)
        return notes + (["with so few seeds little can be said: train with --seeds 10"] if few < 5 else [])

    def rows(self) -> list[tuple[str, ...]]:
        """The table's cells, a row for each setting below the heads; of few seeds without interquartile means."""
        rows = [HEADS, *map(_cells, self.settings)]
        return rows if self._trimmed else [(*row[:2], *row[3:]) for row in rows]

    @property
    def _trimmed(self) -> bool:
        """Whether an interquartile mean is anywhere another number than the mean."""
        return any(each.scores.size >= FEW for each in self.settings)

    def lines(self) -> list[str]:
        """Table and verdicts for a terminal."""
        rows = self.rows()
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        table = ["  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]
        return [*table, "", *(each.words for each in self.verdicts), *self.notes]

    def markdown(self) -> str:
        """The table as Markdown."""
        return markdown_table([list(map(piped, row)) for row in self.rows()])

    def latex(self) -> str:
        """The table as LaTeX, for the package booktabs."""
        return latex_table([list(map(escaped, row)) for row in self.rows()])

    def to_json(self) -> dict[str, object]:
        """All numbers; an end that an interval lacks is null."""
        settings = [
            {"label": each.label, "scores": each.scores.tolist()}
            | {name: _json(getattr(each, name)) for name in ("iqm", "mean", "median")}
            for each in self.settings
        ]
        verdicts = [
            each._asdict() | {"probability": _json(each.probability), "difference": _json(each.difference)}
            for each in self.verdicts
        ]
        return {"settings": settings, "verdicts": verdicts, "level": self.level}


def compared(scores: Mapping[str, Scores], target: float | None = None) -> Comparison:
    """What can be said of settings, by label, from their scores [seeds] or [seeds, tasks].

    The one with the greatest interquartile mean is held against each other one. Since it is chosen by its scores, each
    verdict's intervals are made surer, by Bonferroni, so that all pairs together are as sure as ``LEVEL``.

    Args:
        scores: By label; higher is better.
        target: The difference for which the number of seeds is planned; by default half of what was found where that
            is sure, and what was found where it is not, to one digit.

    Raises:
        UserError: there is none, a score is no finite number, or settings have different tasks.
    """
    if not scores:
        raise UserError("there are no scores to compare")
    tables = {label: np.asarray(each, np.float64) for label, each in scores.items()}
    settings = tuple(
        Setting(
            label, each, statistics.interquartile_mean(each), statistics.mean(each), statistics.median(each)
        )
        for label, each in tables.items()
    )  # fmt: skip
    best = max(settings, key=lambda each: each.iqm.point)
    pairs = max(1, math.comb(len(settings), 2))
    level = 1 - (1 - LEVEL) / pairs
    others = [each for each in settings if each is not best]
    return Comparison(settings, tuple(_verdict(best, each, level, target) for each in others), level)


def _verdict(best: Setting, other: Setting, level: float, target: float | None) -> Verdict:
    probability = statistics.probability_of_improvement(other.scores, best.scores, level)
    found = statistics.improvement(other.scores, best.scores, level=level)
    sure = found.low > 0 or found.high < 0
    wanted = target or _rounded(found.point / 2 if sure else found.point)
    seeds = len(best.scores), len(other.scores)
    needed = 0
    if wanted and min(seeds) > 1 and best.scores.ndim == 1:
        deviation = statistics.pooled_deviation(best.scores, other.scores)
        # Seeds that all score the same say nothing of how others scatter.
        needed = statistics.seeds_to_tell_apart(wanted, deviation, level) if 0 < deviation < 300 * wanted else 0
    return Verdict(best.label, other.label, seeds, probability, found, wanted, needed, sure)


def interval(found: Estimate, beside: Sequence[float] = ()) -> str:
    """Such as ``14.0 [6.1, 22.3]``: without thousands marks, since a comma stands between the ends."""
    if math.isinf(found.low) and math.isinf(found.high):
        return _unmarked(found.point, beside)
    values = [each for each in found[:3] if math.isfinite(each)]
    shown = (_unmarked(each, [*values, *beside]) if math.isfinite(each) else "∞" for each in found[:3])
    return "{} [{}, {}]".format(*shown)


def _unmarked(value: float, beside: Sequence[float]) -> str:
    """A number without thousands marks."""
    return number(value, beside).replace(",", "")


def _cells(setting: Setting) -> tuple[str, ...]:
    scores = setting.scores
    worst, best = (_unmarked(float(of(scores)), scores.ravel().tolist()) for of in (np.min, np.max))
    means = (interval(each, scores.ravel().tolist()) for each in (setting.iqm, setting.mean, setting.median))
    return setting.label, str(len(scores)), *means, f"{worst} to {best}" if len(scores) > 1 else BLANK


def _share(found: Estimate) -> str:
    """A probability and its interval with two digits, as ``.93 [.88, .97]``; those of certainty as 1 and 0."""
    shown = (
        f"{each:.2f}".removeprefix("0") if 0 < each < 1 and f"{each:.2f}" != "1.00" else f"{each:.0f}"
        for each in found[:3]
    )
    return "{} [{}, {}]".format(*shown)


def _rounded(value: float) -> float:
    """To one digit that counts."""
    return float(f"{abs(value):.1g}") if math.isfinite(value) else 0.0


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 and value == int(value) else f"{value:g}"


def _json(found: Estimate) -> dict[str, object]:
    return {name: value if not isinstance(value, float) or math.isfinite(value) else None
            for name, value in found._asdict().items()}  # fmt: skip


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, of which the first are heads, as Markdown."""
    heads, *below = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *below))


def latex_table(rows: Sequence[Sequence[str]]) -> str:
    """The same as LaTeX, for the package booktabs; cells are LaTeX already."""
    heads, *below = [" & ".join(row) + r" \\" for row in rows]
    body = ["\\toprule", heads, "\\midrule", *below, "\\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}", *body, "\\end{tabular}"])


def piped(text: str) -> str:
    """Text as a cell of a Markdown table prints it."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    special = {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "∞": r"$\infty$",
    }
    special |= {each: f"\\{each}" for each in "&%$#_{}"}
    return "".join(special.get(letter, letter) for letter in text)
