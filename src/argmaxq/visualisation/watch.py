"""Seeing a trained agent play: in a window, or as a film, alone or several side by side."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.components.registry import near
from argmaxq.environments.drawn import PICTURES, WINDOW
from argmaxq.reporting.names import action_names, branch_names
from argmaxq.reporting.text import number as rounded
from argmaxq.reporting.video import check_video, write_video
from argmaxq.runs.track import BEST
from argmaxq.spaces import BranchedActions
from argmaxq.training.evaluation import check_episodes, first_seeds
from argmaxq.verbs.policy import Regard
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical
from argmaxq.visualisation.cells import ALL, Cell, Counted, Shot, alone, cells, laid_out, several
from argmaxq.visualisation.panel import Scale, bars, beside, panel, short
from argmaxq.visualisation.playing import Moment, Stage, stage

Show = Literal["picture", "numbers"]
Say = Callable[[str], object]
NO_WINDOW = "no window can be opened here: write a film with --video FILE.mp4"


def watch(
    run: Run,
    video: str | Path | None = None,
    *,
    which: str | int = BEST,
    seeds: str = "",
    episodes: int = 1,
    seed: int = 1,
    show: Show = "picture",
    say: Say = print,
) -> list[float]:
    """Show greedy episodes in a window until they end or it is closed, or write them to a film; return their returns.

    The episodes begin as those of ``Run.evaluate`` with the same seed. Where observations are pictures, a film has
    what the agent sees beside the screen. ``say`` is given a line after each episode, and one about the film.

    Args:
        run: A run; of many seeds the median one is shown unless ``seeds`` says otherwise, and ``say`` is told which.
        video: The film, which must not exist: .mp4, .gif or .webp.
        which: The checkpoint: best, last, or a step; several with commas between, or ``all``, play side by side.
        seeds: Trained seeds that play side by side, with commas between, or ``all``.
        episodes: How many.
        seed: What they begin from.
        show: What is drawn: the ``picture`` alone, or ``numbers`` with it: episode, step, return and action values.
        say: Is told what happens.

    Raises:
        UserError: the environment has no pictures, no window can be opened, or the film cannot be written.
    """
    check_episodes(episodes, seed)
    if show not in get_args(Show):
        raise UserError(f"--show {show}: there is no such thing to show: {near(show, get_args(Show))}")
    if not seeds:
        run, which_seed = typical(run, BEST if several(which) else which)
        if which_seed:
            say(which_seed)
    shown = cells(run, which, seeds)
    if which == ALL and not run.recipe.evaluation.keep:
        say("it has kept no policies on the way, which train --evaluation.keep 9 does")
    if video is not None:
        return _film(shown, check_video(Path(video)), first_seeds(seed, episodes), show == "numbers", say)
    if len(shown) > 1 or show == "numbers":
        raise UserError("a window shows one policy, and no numbers: write a film with --video FILE.mp4")
    playing = stage(shown[0].run, shown[0].which, WINDOW)
    with ExitStack() as closing:
        closing.callback(playing.env.close)
        return _show(playing, first_seeds(seed, episodes), say)


def _film(shown: Sequence[Cell], video: Path, seeds: Sequence[int], numbers: bool, say: Say) -> list[float]:
    """Write a film of all cells; the returns of their episodes, cell by cell."""
    with ExitStack() as closing:
        stages = [stage(cell.run, cell.which, PICTURES, numbers) for cell in shown]
        for each in stages:
            closing.callback(each.env.close)
        ends: list[list[float]] = [[] for _ in shown]
        shots = []
        for cell, playing, returns in zip(shown, stages, ends, strict=True):
            end = ending(returns, f"{cell.title}, " if len(shown) > 1 else "", say)
            names = _names(cell, playing) if numbers else ()
            shots.append([_shots(playing, names, each, number, end) for number, each in enumerate(seeds, start=1)])
        frames = Counted(laid_out(shots, [cell.title for cell in shown]) if len(shown) > 1 else alone(shots[0]))
        write_video(frames, video, stages[0].fps)
        say(f"{video}: {frames.count} frames, {frames.count / stages[0].fps:.1f} s")
    return [each for own in ends for each in own]


def ending(returns: list[float], title: str, say: Say) -> Callable[[int, Moment], None]:
    """What notes and tells how an episode ended."""

    def end(number: int, last: Moment) -> None:
        returns.append(last.total)
        cut = "" if last.over else ", and cut there"
        say(f"{title}episode {number}: return {rounded(last.total)} in {last.step:,} steps{cut}")

    return end


def _names(cell: Cell, playing: Stage) -> tuple[str, ...]:
    """What the actions are called, or the choices of each branch."""
    adaptor = playing.policy.adaptor
    action, space = adaptor.spaces.action, adaptor.native[1]
    if isinstance(action, BranchedActions):
        return branch_names(space)
    return action_names(cell.run.recipe.env, action.n, space)


def _shots(
    playing: Stage, names: Sequence[str], seed: int, number: int, end: Callable[[int, Moment], None]
) -> Iterator[Shot]:
    """An episode's pictures, with numbers beside them where actions have names."""
    scale, regard = Scale(), None
    for moment in playing.moments(seed, playing.pictures):
        *within, now = moment.pictures
        regard = regard or moment.regard
        for picture in within:  # of what is done still because of the previous decision
            yield Shot(_numbered(picture, moment, number, regard, names, scale), moment.total, False)
        regard = moment.regard or regard
        if regard is not None and regard.values is not None:
            scale = scale.over(regard.values)
        yield Shot(_numbered(now, moment, number, regard, names, scale), moment.total, moment.over)
    end(number, moment)


def _numbered(
    picture: np.ndarray, moment: Moment, number: int, regard: Regard | None, names: Sequence[str], scale: Scale
) -> np.ndarray:
    """A picture, with what is known of its moment at its right where actions have names.

    At an episode's end that is the last decision, so that all pictures of a film are of one size.
    """
    if not names or regard is None:
        return picture
    ended = ", ended" if moment.over else ""
    words = [f"episode {number}", f"step {moment.step:,}{ended}", f"return {moment.total:,.1f}"]
    words += [] if regard.worth is None else [f"expected from here on {short(regard.worth)}"]
    return beside(picture, panel(words, bars(regard, names), scale, len(picture)))


def _show(playing: Stage, seeds: Sequence[int], say: Say) -> list[float]:
    """Play in a window, which the environment draws by itself at every step; the returns of episodes that ended."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    returns: list[float] = []
    end = ending(returns, "", say)
    try:
        for number, seed in enumerate(seeds, start=1):
            for moment in playing.moments(seed, lambda _: []):  # noqa: B007 (the last one is used)
                if _pygame() and _driver() == "offscreen" != os.environ.get("SDL_VIDEODRIVER"):
                    raise UserError(NO_WINDOW)  # SDL found no display and draws where nobody sees it
                if _closed():
                    return returns
            end(number, moment)
    except Exception as error:
        if _pygame() and isinstance(error, _pygame().error):
            raise UserError(f"{NO_WINDOW} ({error})") from error
        raise
    return returns


def _pygame() -> Any:
    """Pygame, if the environment uses it."""
    return sys.modules.get("pygame")


def _driver() -> str | None:
    display = _pygame().display
    return str(display.get_driver()) if display.get_init() else None


def _closed() -> bool:
    """Whether the window's close button was pressed, of which environments take no notice."""
    pygame = _pygame()
    return bool(pygame and pygame.display.get_init() and pygame.event.peek(pygame.QUIT))
