"""The pictures of a policy that `plot` draws, for a page: those that make sense for its agent and environment."""

import base64
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from argmaxq.components.errors import UserError
from argmaxq.verbs.run import Run
from argmaxq.verbs.typical import typical
from argmaxq.visualisation.observed import picture_in, pictured
from argmaxq.visualisation.plot import plot

MADE = {
    "phase": "Greedy action over the observation",
    "value": "Greatest action value over the observation",
    "choices": "What is chosen where, in 50 greedy episodes",
}
SEEN = {"observation": "What the network sees"}
"""Of observations that are pictures, of which a single number says nothing."""
WIDTH = 1_000


class Look(NamedTuple):
    """A picture: its title, WebP in base64, its width and height."""

    title: str
    data: str
    width: int
    height: int


def looks(run: Run) -> list[Look]:
    """All pictures that there are of a run, of many seeds the median one; raises UserError where there is none."""
    found, why = [], ""
    spec = typical(run).run.policy().adaptor.spaces.observation
    kinds = SEEN if pictured(spec) else MADE | SEEN if picture_in(spec) else MADE
    with TemporaryDirectory(prefix="argmaxq-page-") as folder:
        for what, title in kinds.items():
            try:
                found.append(_look(plot(run, what, Path(folder) / f"{what}.png"), title))
            except UserError as fault:  # of most agents and environments some kinds make no sense
                why = str(fault)
    if not found:
        raise UserError(why)
    return found


def _look(file: Path, title: str) -> Look:
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((WIDTH, 3 * WIDTH), Image.Resampling.LANCZOS)
    small.save(file.with_suffix(".webp"), "WEBP", quality=80)
    return Look(title, base64.b64encode(file.with_suffix(".webp").read_bytes()).decode(), small.width, small.height)
