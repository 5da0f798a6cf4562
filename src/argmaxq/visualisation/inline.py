"""Pictures and films as values, which a notebook shows where they stand."""

import base64
import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from argmaxq.reporting.inline import PIXELS, image, in_memory, video
from argmaxq.reporting.pictures import DPI, checked
from argmaxq.runs.files.writing import replace, writing
from argmaxq.runs.track import BEST
from argmaxq.verbs.run import Run
from argmaxq.visualisation import plot as files
from argmaxq.visualisation.watch import Show, watch

ROOM = 20_000_000
"""Bytes of a film that a notebook still holds."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """What a file holds, kept in memory: a notebook shows it, and ``save`` writes it.

    Attributes:
        content: The bytes of the file.
        suffix: Of its name: .png or .svg, .mp4, .gif or .webp.
    """

    content: bytes = dataclasses.field(repr=False)
    suffix: str

    KINDS: ClassVar = {
        ".png": "image/png", ".svg": "image/svg+xml", ".mp4": "video/mp4", ".gif": "image/gif", ".webp": "image/webp",
    }  # fmt: skip

    def save(self, path: str | Path) -> Path:
        """Write it to a file, whose name is given the suffix unless it ends so; what was there is replaced.

        Raises:
            UserError: the file cannot be written.
        """
        out = Path(path)
        out = out if out.suffix.lower() == self.suffix else out.with_name(out.name + self.suffix)
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        replace(out, self.content)
        return out


@dataclasses.dataclass(frozen=True)
class Picture(Shown):
    """A picture of a run."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """The picture for a notebook, as large as on paper."""
        kind = self.KINDS[self.suffix]
        if self.suffix == ".svg":
            return {kind: self.content.decode(), "text/plain": repr(self)}
        with Image.open(BytesIO(self.content)) as picture:
            width = round(picture.width * PIXELS / DPI)
        return {kind: base64.b64encode(self.content).decode(), "text/plain": repr(self)}, {kind: {"width": width}}


@dataclasses.dataclass(frozen=True)
class Film(Shown):
    """A film of greedy episodes.

    Attributes:
        returns: Of its episodes.
    """

    returns: tuple[float, ...]

    def _repr_html_(self) -> str:
        if len(self.content) > ROOM:
            return f"<p>a film of {len(self.content) / 1e6:.0f} MB, too many for a notebook: save it to a file</p>"
        if self.suffix == ".mp4":
            return video(self.content)
        return image(self.content, self.KINDS[self.suffix])


def plot(
    run: Run | Sequence[Run],
    what: str = "curve",
    out: str | Path | None = None,
    *,
    which: str | int = BEST,
    entries: tuple[int, ...] = (),
) -> Picture:
    """Draw a picture of a run, or compare the curves of several; a notebook shows it where it is a cell's value.

    Args:
        run: A run, or several.
        what: As ``argmaxq plot --what``: curve, loss, health, choices, phase, value, visits, schedule or observation.
        out: A file to write it to as well, .png or .svg; what was there is replaced.
        which: The checkpoint of which it is drawn, where it is of one: best, last, or that of a step.
        entries: Numbers of the observation's entries to draw along, one or two.

    Raises:
        UserError: an unknown kind of picture or file, or nothing to draw.
    """
    suffix = ".png" if out is None else checked(Path(out)).suffix.lower()
    content = in_memory(lambda file: files.plot(run, what, file, which=which, entries=entries), suffix)
    found = Picture(content, suffix)
    if out is not None:
        found.save(out)
    return found


def film(
    run: Run,
    out: str | Path | None = None,
    *,
    which: str | int = BEST,
    seeds: str = "",
    episodes: int = 1,
    seed: int = 1,
    show: Show = "picture",
) -> Film:
    """Film greedy episodes; a notebook shows the film where it is a cell's value.

    Args:
        run: A run; of one of many seeds the median one is shown unless ``seeds`` says otherwise.
        out: A file to write it to as well, which must not exist: .mp4, .gif or .webp.
        which: The checkpoint whose policy plays: best, last, or that of a step; several with commas between, or
            ``all``, side by side.
        seeds: Trained seeds side by side, with commas between, or ``all``.
        episodes: How many.
        seed: What they begin from, as in ``Run.evaluate``.
        show: The ``picture`` alone, or ``numbers`` beside it: episode, step, return, and the value of each action.

    Raises:
        UserError: the environment draws no pictures, or the film cannot be written.
    """
    returns: list[float] = []

    def make(file: Path) -> None:
        with _without_display():
            returns.extend(
                watch(run, file, which=which, seeds=seeds, episodes=episodes, seed=seed, show=show, say=_silent)
            )

    if out is None:
        return Film(in_memory(make, ".mp4"), ".mp4", tuple(returns))
    make(Path(out))
    return Film(Path(out).read_bytes(), Path(out).suffix.lower(), tuple(returns))


def _silent(text: str) -> None:
    pass


@contextmanager
def _without_display() -> Iterator[None]:
    """A film needs no display, nor a complaint of SDL's without one."""
    missing = "SDL_VIDEODRIVER" not in os.environ
    if missing:
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    try:
        yield
    finally:
        if missing:
            os.environ.pop("SDL_VIDEODRIVER", None)
