"""The table of a paper: methods down, environments across, what cannot be told apart from the best in bold."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from argmaxq.page.studies.loaded import RECIPE, Cell, Group
from argmaxq.reporting.verdicts import Comparison, escaped, interval, latex_table, markdown_table, piped

ENVIRONMENT = "env.id"
BLANK = "-"


class Paper(NamedTuple):
    """Rows of cells: each with its text and whether it is bold; ``heads`` are the environments.

    Attributes:
        heads: The environments.
        rows: Methods, each with a cell for every environment.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]

    def markdown(self) -> str:
        """The table as Markdown."""
        rows = [(name, *(f"**{text}**" if bold else text for text, bold in own)) for name, own in self.rows]
        return markdown_table([list(map(piped, row)) for row in (("", *self.heads), *rows)])

    def latex(self) -> str:
        """The table as LaTeX, for the package booktabs."""
        rows = [
            [escaped(name), *(rf"\textbf{{{escaped(text)}}}" if bold else escaped(text) for text, bold in own)]
            for name, own in self.rows
        ]
        return latex_table([["", *map(escaped, self.heads)], *rows])


def paper(groups: Sequence[Group], found: Sequence[Comparison], names: Mapping[str, str]) -> Paper | None:
    """The table of several environments; None of one."""
    if len(groups) < 2:
        return None
    rows: dict[str, list[tuple[str, bool]]] = {}
    for place, (group, own) in enumerate(zip(groups, found, strict=True)):
        behind = {each.other for each in own.verdicts if each.sure}
        for cell, setting in zip(group.cells, own.settings, strict=True):
            row = rows.setdefault(_method(cell, names), [(BLANK, False)] * len(groups))
            row[place] = interval(setting.iqm), setting.label not in behind
    return Paper(tuple(group.env for group in groups), tuple((name, tuple(own)) for name, own in rows.items()))


def _method(cell: Cell, names: Mapping[str, str]) -> str:
    """A setting without its environment: ``cartpole/dqn`` and ``acrobot/dqn`` are one method."""
    told = [f"{names[axis]} {value}" for axis, value in cell.told.items() if axis not in (RECIPE, ENVIRONMENT)]
    recipe = cell.told[RECIPE]
    return ", ".join([recipe.partition("/")[2] or recipe, *told])
