"""The pictures of a run, by name."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.reporting.comparison import draw_comparison
from argmaxq.reporting.curve import draw_curve
from argmaxq.reporting.health import draw_health
from argmaxq.reporting.losses import draw_losses
from argmaxq.reporting.pictures import checked
from argmaxq.reporting.text import environment
from argmaxq.runs.folder import read_config
from argmaxq.runs.track import BEST
from argmaxq.verbs.run import Run
from argmaxq.visualisation.choices import draw_choices
from argmaxq.visualisation.learnt import What, draw_learnt
from argmaxq.visualisation.observed import draw_observation

LONGEST = 120
"""Letters of the names of runs in a picture's name."""


class Request(NamedTuple):
    """Which run's which checkpoint to draw, where to, and along which entries of the observation."""

    run: Run
    out: Path
    which: str | int
    entries: tuple[int, ...]


def _choices(asked: Request) -> Path:
    if len(asked.entries) > 1:
        raise UserError(f"entries {', '.join(map(str, asked.entries))}: choices are drawn along one entry")
    return draw_choices(asked.run, asked.out, dimension=next(iter(asked.entries), None), which=asked.which)


def _learnt(what: What, asked: Request) -> Path:
    return draw_learnt(asked.run, what, asked.out, asked.which, asked.entries)


DRAWINGS: dict[str, Callable[[Request], Path]] = {
    "curve": lambda asked: draw_curve(asked.run.path, asked.out),
    "loss": lambda asked: draw_losses(asked.run.path, asked.out),
    "health": lambda asked: draw_health(asked.run.path, asked.out),
    "choices": _choices,
    "observation": lambda asked: draw_observation(asked.run, asked.out, asked.which),
    **{what: partial(_learnt, what) for what in get_args(What)},
}


def plot(
    run: Run | Sequence[Run],
    what: str,
    out: str | Path | None = None,
    *,
    which: str | int = BEST,
    entries: tuple[int, ...] = (),
) -> Path:
    """Draw one picture of a run, as PNG or SVG; by default ``RUN/what.png``. Or compare several runs' curves.

    curve: return per episode. loss: Q loss and actor loss. health: diagnostics, see ``draw_health``. choices: what 50
    greedy episodes choose where along one entry of the observation. observation: what the network sees of pictures.
    phase, value, visits, schedule: see
    ``draw_learnt``. Several runs: see ``draw_comparison``; by default the picture lies beside the first of them and is
    called after all.

    Raises:
        UserError: an unknown kind of picture or file, or nothing to draw.
    """
    if what not in DRAWINGS:
        raise UserError(f"--what {what}: there is no such picture: {near(what, DRAWINGS)}")
    runs = [run] if isinstance(run, Run) else list(run)
    if len(runs) > 1:
        return _compare([each.path for each in runs], what, out)
    return DRAWINGS[what](Request(runs[0], checked(Path(out or runs[0].path / f"{what}.png")), which, entries))


def _compare(folders: Sequence[Path], what: str, out: str | Path | None) -> Path:
    if what != "curve":
        raise UserError(f"--what {what}: it is drawn of one run; of several, their curves are compared")
    if again := [str(folder) for number, folder in enumerate(folders) if folder in folders[:number]]:
        raise UserError(f"{again[0]} is named twice")
    envs = [environment(read_config(folder)) for folder in folders]
    if apart := [place for place, env in enumerate(envs) if env != envs[0]]:
        first, other = folders[0], folders[apart[0]]
        raise UserError(
            f"{first} is on {envs[0]} and {other} on {envs[apart[0]]}: "
            "their returns cannot be compared, but argmaxq report shows them"
        )
    names = "-vs-".join(folder.resolve().name for folder in folders)
    name = names if len(names) <= LONGEST else f"{names[:LONGEST]}-of-{len(folders)}"
    return draw_comparison(folders, checked(Path(out or folders[0].parent / f"{name}.png")))
