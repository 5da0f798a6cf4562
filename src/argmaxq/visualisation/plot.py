"""The pictures of a run, by name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.curve import draw_curve
from argmaxq.reporting.losses import draw_losses
from argmaxq.reporting.pictures import checked
from argmaxq.runs.track import BEST
from argmaxq.verbs.run import Run
from argmaxq.visualisation.choices import draw_choices
from argmaxq.visualisation.learnt import What, draw_learnt


class Request(NamedTuple):
    """Which run's which checkpoint to draw, where to, and along which entries of the observation."""

    run: Run
    out: Path
    which: str | int
    entries: tuple[int, ...]


def _choices(asked: Request) -> Path:
    if len(asked.entries) > 1:
        raise UserError(f"entries {', '.join(map(str, asked.entries))}: choices are drawn along one entry")
    return draw_choices(asked.run, asked.out, dimension=sum(asked.entries), which=asked.which)


def _learnt(what: What, asked: Request) -> Path:
    return draw_learnt(asked.run, what, asked.out, asked.which, asked.entries)


DRAWINGS: dict[str, Callable[[Request], Path]] = {
    "curve": lambda asked: draw_curve(asked.run.path, asked.out),
    "loss": lambda asked: draw_losses(asked.run.path, asked.out),
    "choices": _choices,
    **{what: partial(_learnt, what) for what in get_args(What)},
}


def plot(
    run: Run, what: str, out: str | Path | None = None, *, which: str | int = BEST, entries: tuple[int, ...] = ()
) -> Path:
    """Draw one picture of a run, as PNG or SVG; by default ``RUN/what.png``.

    curve: return per episode. loss: Q loss and actor loss. choices: what 50 greedy episodes choose where along one
    entry of the observation. phase, value, visits, schedule: see ``draw_learnt``.

    Raises:
        UserError: an unknown kind of picture or file, or nothing to draw.
    """
    if what not in DRAWINGS:
        raise UserError(f"--what {what}: there is no such picture: {near(what, DRAWINGS)}")
    return DRAWINGS[what](Request(run, checked(Path(out) if out else run.path / f"{what}.png"), which, entries))
