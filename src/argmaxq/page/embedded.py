"""Pictures and films small enough to lie in a page."""

import base64
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from argmaxq.components.errors import UserError
from argmaxq.verbs.run import Run
from argmaxq.visualisation.watch import watch

ROOM = 1_500_000
"""Bytes that the pictures of an episode may take, and the most that a film may; base64 adds a third."""
WIDTH = 320
ENCODINGS = ((320, 72), (320, 50), (240, 50), (180, 45), (128, 40), (96, 35))
"""Widths and qualities, tried in this order until all pictures fit."""


def small(picture: np.ndarray) -> Image.Image:
    """A picture, uint8 [height, width, 3], no wider than ``WIDTH``."""
    return _at_most(Image.fromarray(picture), WIDTH)


def encoded(pictures: list[Image.Image]) -> list[str]:
    """WebP pictures in base64, as good as there is room for; those at the end are left out where nothing else helps."""
    found: list[bytes] = []
    for width, quality in ENCODINGS:
        found = [_webp(_at_most(picture, width), quality) for picture in pictures]
        if sum(map(len, found)) <= ROOM:
            break
    fits = int(np.searchsorted(np.cumsum([0, *map(len, found)]), ROOM, side="right")) - 1
    return [base64.b64encode(each).decode() for each in found[:fits]]


def film(run: Run) -> str:
    """A greedy episode of the best checkpoint as MP4 in base64.

    Raises:
        UserError: the environment draws no pictures, or the film is too large for a page.
    """
    with TemporaryDirectory(prefix="argmaxq-page-") as folder:
        file = Path(folder) / "film.mp4"
        watch(run, file, say=lambda _: None)
        content = file.read_bytes()
    if len(content) > ROOM:
        raise UserError(
            f"the film has {len(content) / 1e6:.1f} MB, too many for a page: argmaxq watch {run.path} --video film.mp4"
        )
    return base64.b64encode(content).decode()


def _at_most(picture: Image.Image, width: int) -> Image.Image:
    if picture.width <= width:
        return picture
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)


def _webp(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()
