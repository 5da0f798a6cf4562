"""Frames to a film that any player shows."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from argmaxq.component import UserError

# H.264 halves the chroma's resolution, so an odd side gets one line of black; a GIF gets a palette of its own.
ENCODINGS: dict[str, dict[str, Any]] = {
    ".mp4": {
        "codec": "libx264",
        "pix_fmt_out": "yuv420p",
        "output_params": ["-crf", "20", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-movflags", "+faststart"],
    },
    ".gif": {
        "codec": "gif",
        "pix_fmt_out": "pal8",
        "output_params": ["-vf", "split[frames][sample];[sample]palettegen[palette];[frames][palette]paletteuse"],
    },
}


def write_video(frames: Iterable[np.ndarray], path: Path, fps: float) -> Path:
    """Write uint8 frames [height, width, 3] (red, green, blue) at ``fps`` frames per second.

    ``path`` ends in .mp4 (H.264, yuv420p) or .gif. It appears only when complete.

    Raises:
        UserError: for another suffix, an existing file, no frames, frames of another kind or of differing sizes.
    """
    suffix = path.suffix.lower()
    if suffix not in ENCODINGS:
        raise UserError(f"{path}: a video's name must end in {' or '.join(ENCODINGS)}")
    if path.exists():
        raise UserError(f"{path} exists already and is not overwritten: remove it or choose another name")
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise UserError(f"{path}: there are no frames to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{suffix}")
    try:
        _encode(first, remaining, partial, fps)
        if not partial.exists() or not partial.stat().st_size:
            raise UserError(f"{path}: ffmpeg could not write it; its message is above")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _encode(first: np.ndarray, remaining: Iterator[np.ndarray], path: Path, fps: float) -> None:
    _check(first, first.shape)
    height, width, _ = first.shape
    options = {"fps": fps, "quality": None, "macro_block_size": 1, **ENCODINGS[path.suffix]}
    writer = imageio_ffmpeg.write_frames(path, (width, height), **options)  # type: ignore[no-untyped-call]
    with closing(writer):
        writer.send(None)  # starts ffmpeg
        for frame in chain([first], remaining):
            _check(frame, first.shape)
            writer.send(np.ascontiguousarray(frame))


def _check(frame: np.ndarray, shape: tuple[int, ...]) -> None:
    if frame.ndim != 3 or frame.shape[-1] != 3 or frame.dtype != np.uint8:
        raise UserError(f"a frame is {frame.dtype}{list(frame.shape)}: a video needs uint8[height, width, 3]")
    if frame.shape != shape:
        raise UserError(f"a frame is {list(frame.shape)} but the first was {list(shape)}: all must be of one size")
