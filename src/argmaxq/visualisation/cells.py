"""Several policies that play side by side: which, and how they are laid out in one film."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from PIL import Image

from argmaxq.components.errors import UserError
from argmaxq.runs.track import BEST, LAST
from argmaxq.verbs.run import Run
from argmaxq.visualisation.panel import GROUND, titled

ALL = "all"
MOST = 16
"""Cells of a film at most."""
WIDEST, NARROWEST, GAP = 1_280, 200, 6
"""Pixels of a whole film and of a cell, at most and at least, and between cells."""


class Cell(NamedTuple):
    """A policy that plays: one seed's run, its checkpoint, and what it is called."""

    run: Run
    which: str | int
    title: str


class Shot(NamedTuple):
    """A picture, uint8 [height, width, 3], and the return so far."""

    picture: np.ndarray
    total: float
    over: bool


@dataclasses.dataclass
class Counted:
    """Frames, and how many have been taken."""

    frames: Iterator[np.ndarray]
    count: int = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self.count += 1
            yield frame


def cells(run: Run, which: str | int, seeds: str = "") -> list[Cell]:
    """What is shown: ``which`` and ``seeds`` are one, several with commas between, or all; without seeds, the run's.

    Raises:
        UserError: there is no such checkpoint or seed, or there are more than ``MOST`` of those that were named.
    """
    runs = _runs(run, seeds) if seeds else run.parts
    found = [
        Cell(each, name, ", ".join(filter(None, [f"seed {each.seeds[0]}" if len(runs) > 1 else "", told])))
        for each in runs
        for name, told in _checkpoints(each, which, MOST // len(runs)).items()
    ]
    if len(found) > MOST:
        raise UserError(f"{len(found)} policies: at most {MOST} are shown side by side, so name fewer")
    return found


def several(which: str | int) -> bool:
    """Whether these are several checkpoints."""
    return which == ALL or (isinstance(which, str) and "," in which)


def _runs(run: Run, seeds: str) -> list[Run]:
    if seeds == ALL:
        return run.parts[:MOST]
    named = {part.seeds[0]: part for part in run.parts}
    try:
        return [named[int(each)] for each in seeds.split(",")]
    except (KeyError, ValueError):
        raise UserError(f"--seeds {seeds}: {run.path} has {', '.join(map(str, named))}, or say all") from None


def _checkpoints(run: Run, which: str | int, most: int) -> dict[str | int, str]:
    """Checkpoints and their titles: those that are named, or ``most`` of all, spread over the steps in their order."""
    if which != ALL:
        names: list[str | int] = list(which.split(",")) if isinstance(which, str) else [which]
        return {name: _title(run, name) for name in names}
    steps: dict[int, str] = {}
    for name in run.checkpoints():
        steps.setdefault(run.step(name), name)  # the best one is named first
    ordered = sorted(steps)
    places = np.unique(np.linspace(0, len(ordered) - 1, min(max(most, 1), len(ordered))).round().astype(int))
    return {steps[ordered[place]]: _title(run, steps[ordered[place]]) for place in places}


def _title(run: Run, name: str | int) -> str:
    step = f"step {run.step(name):,}"
    return f"{name}, {step}" if name in (BEST, LAST) else step


def alone(episodes: Sequence[Iterator[Shot]]) -> Iterator[np.ndarray]:
    """The frames of a film of one policy."""
    for episode in episodes:
        for shot in episode:
            yield shot.picture


def laid_out(shots: Sequence[Sequence[Iterator[Shot]]], titles: Sequence[str]) -> Iterator[np.ndarray]:
    """The frames of a film in which all cells play at once; ``shots`` are each cell's episodes.

    Their episodes begin together. One that ends early holds its last picture.
    """
    for episode in zip(*shots, strict=True):
        latest: tuple[Shot | None, ...] = (None,) * len(episode)
        for now in zip_longest(*episode):
            latest = tuple(new or old for new, old in zip(now, latest, strict=True))
            yield _frame([shot for shot in latest if shot], titles)


def _frame(shots: Sequence[Shot], titles: Sequence[str]) -> np.ndarray:
    columns = math.ceil(math.sqrt(len(shots)))
    rows = math.ceil(len(shots) / columns)
    pictures = [
        titled(_sized(shot.picture, WIDEST // columns), title, f"{shot.total:,.1f}{', ended' if shot.over else ''}")
        for shot, title in zip(shots, titles, strict=True)
    ]
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    size = columns * (width + GAP) - GAP, rows * (height + GAP) - GAP
    whole = Image.new("RGB", size, GROUND)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        whole.paste(Image.fromarray(picture), (column * (width + GAP), row * (height + GAP)))
    return np.asarray(whole)


def _sized(picture: np.ndarray, widest: int) -> np.ndarray:
    """A picture made so small that it fits, or so large that it can be seen, by a whole number."""
    height, width = picture.shape[:2]
    if width < NARROWEST:
        times = max(min(math.ceil(NARROWEST / width), widest // width), 1)
        return picture.repeat(times, 0).repeat(times, 1)
    if width <= widest:
        return picture
    small = Image.fromarray(picture).resize((widest, round(height * widest / width)), Image.Resampling.LANCZOS)
    return np.asarray(small)
