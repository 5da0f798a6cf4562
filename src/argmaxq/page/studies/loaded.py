"""A study's records for its page: each run read once, and what cannot be read left out and told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.reporting.curve import Run as Curve
from argmaxq.reporting.curve import load_run
from argmaxq.reporting.finals import Score, level_scores
from argmaxq.reporting.text import environment
from argmaxq.runs.folder import read_config, read_summary
from argmaxq.runs.track import DIVERGED, PRUNED
from argmaxq.studies.entries import begun
from argmaxq.studies.study import Study

RECIPE = "recipe"
"""The axis of a study's recipes."""
Values = Mapping[str, str]


class Member(NamedTuple):
    """The run of one seed: what it recorded if that can be read, else why not, and how it ended."""

    seed: int
    folder: Path
    curve: Curve | None
    fault: str
    state: str


class Cell(NamedTuple):
    """A setting.

    Attributes:
        label: What it is called.
        told: Its recipe and varied values, by path.
        values: Those on the axes of its group.
        config: The configuration of one of its runs; empty where none can be read.
        members: Its runs.
        scores: Of those that could be read, [seeds]; empty where none could.
    """

    label: str
    told: Values
    values: Values
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    scores: np.ndarray

    @property
    def read(self) -> list[Member]:
        """The runs that could be read."""
        return [each for each in self.members if each.curve is not None]

    @property
    def curves(self) -> list[Curve]:
        """Their records."""
        return [each.curve for each in self.members if each.curve is not None]


class Group(NamedTuple):
    """The settings on one environment, all of which have scores, their kind, and up to which env step they are, if any.

    ``axes`` are what varies among them, with all values in order.
    """

    env: str
    cells: tuple[Cell, ...]
    axes: dict[str, tuple[str, ...]]
    what: Score
    until: int | None

    def at(self, values: Values) -> Cell | None:
        """The setting with these values on all axes, if it has scores."""
        return next((each for each in self.cells if all(each.values[axis] == values[axis] for axis in self.axes)), None)

    def combinations(self, without: Sequence[str]) -> list[dict[str, str]]:
        """The values on the axes but these that some setting has, each combination once."""
        kept = [axis for axis in self.axes if axis not in without]
        there = dict.fromkeys(tuple(cell.values[axis] for axis in kept) for cell in self.cells)
        return [dict(zip(kept, values, strict=True)) for values in there]


def cells(study: Study) -> list[Cell]:
    """All settings, without scores yet."""
    return [
        _cell(label, setting, folders, study.seeds)
        for (label, folders), setting in zip(study.folders().items(), study.settings, strict=True)
    ]


def groups(found: Sequence[Cell], names: Mapping[str, str]) -> list[Group]:
    """Settings that have scores, by environment, labelled by what varies there; ``names`` are those of axes."""
    there: dict[str, list[Cell]] = {}
    for cell in found:
        if cell.curves:
            there.setdefault(environment(cell.config), []).append(cell)
    return [_group(env, own, names) for env, own in there.items()]


def _cell(label: str, setting: Values, folders: Sequence[Path], seeds: Sequence[int]) -> Cell:
    configs: list[Mapping[str, Any]] = []
    members = tuple(_member(seed, folder, configs) for seed, folder in zip(seeds, folders, strict=True))
    return Cell(label, setting, {}, configs[0] if configs else {}, members, np.zeros(0))


def _member(seed: int, folder: Path, configs: list[Mapping[str, Any]]) -> Member:
    """A run; its configuration is added to ``configs`` if it can be read."""
    try:
        configs.append(read_config(folder))
        summary = read_summary(folder)
        if not begun(folder):
            return Member(seed, folder, None, "", _ended(summary) or "to come")
        state = _ended(summary) or ("" if summary.get("finished") else "not finished")
        return Member(seed, folder, load_run(folder), "", state)
    except UserError as fault:
        return Member(seed, folder, None, str(fault), "damaged")


def _ended(summary: Mapping[str, Any]) -> str:
    """Why a run ended where that spoils its score; empty if it did not."""
    reasons = [seed.get("stopped") for seed in summary.get("seeds", [])]
    return next((why for why in (DIVERGED, PRUNED) if why in reasons), "")


def _group(env: str, own: Sequence[Cell], names: Mapping[str, str]) -> Group:
    finals, until = level_scores({cell.label: [each.folder for each in cell.read] for cell in own})
    scored = tuple(cell._replace(scores=finals[cell.label].scores) for cell in own)
    seen: dict[str, dict[str, None]] = {}
    for cell in own:
        for axis, value in cell.told.items():
            seen.setdefault(axis, {})[value] = None
    axes = {axis: tuple(values) for axis, values in seen.items() if len(values) > 1}
    placed = [cell._replace(values={axis: cell.told.get(axis, "") for axis in axes}) for cell in scored]
    short = [_label(cell.values, names) for cell in placed]
    alone = "" not in short and len(set(short)) == len(short)
    cells = [cell._replace(label=label) for cell, label in zip(placed, short, strict=True)] if alone else placed
    return Group(env, tuple(cells), axes, finals[own[0].label].what, until)


def _label(values: Values, names: Mapping[str, str]) -> str:
    return ", ".join(value if axis == RECIPE else f"{names[axis]} {value}" for axis, value in values.items())
