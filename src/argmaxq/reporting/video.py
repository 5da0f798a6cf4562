"""Frames to a film that any player shows."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from argmaxq.components.errors import UserError
from argmaxq.runs.files.writing import remove, writing

# H.264 halves the chroma's resolution, so an odd side gets one line of black; a GIF gets a palette of its own.
EVEN = "pad=ceil(iw/2)*2:ceil(ih/2)*2"
PALETTE = "split[frames][sample];[sample]palettegen[palette];[frames][palette]paletteuse"
ENCODINGS = {
    ".mp4": ["-vf", EVEN, "-codec:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
    ".gif": ["-vf", PALETTE],
    ".webp": ["-codec:v", "libwebp_anim", "-quality", "80", "-loop", "0"],
}


def check_video(path: Path) -> Path:
    """A film's path; raises UserError for another suffix, or where something lies there already."""
    kinds = list(ENCODINGS)
    if path.suffix.lower() not in kinds:
        raise UserError(f"{path}: a video's name must end in {', '.join(kinds[:-1])} or {kinds[-1]}")
    with writing(path):
        there = path.exists()
    if there:
        raise UserError(f"{path} exists already and is not overwritten: remove it or choose another name")
    return path


def write_video(frames: Iterable[np.ndarray], path: Path, fps: float) -> Path:
    """Write uint8 frames [height, width, 3] (red, green, blue) at ``fps`` frames per second.

    ``path`` ends in .mp4 (H.264, yuv420p), .gif or .webp. It appears only when complete.

    Raises:
        UserError: for another suffix, an existing file, no frames, frames of another kind or of differing sizes.
    """
    suffix = check_video(path).suffix.lower()
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise UserError(f"{path}: there are no frames to write")
    partial = path.with_name(f".{path.stem}.partial{suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(partial)  # a link there would lead ffmpeg elsewhere
    try:
        _encode(first, remaining, partial, fps)
        with writing(path):
            partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _encode(first: np.ndarray, remaining: Iterator[np.ndarray], path: Path, fps: float) -> None:
    """Feed ffmpeg. It is started here because imageio-ffmpeg's own writer forks, against which JAX warns."""
    _check(first, first.shape)
    height, width, _ = first.shape
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps}", "-i", "-"]
    executable = get_ffmpeg_exe()  # type: ignore[no-untyped-call]
    command = [
        executable,
        "-v",
        "error",
        "-y",
        *source,
        *ENCODINGS[path.suffix],
        f"file:{path}",
    ]  # else a: is a protocol and - an option
    with TemporaryFile() as log, Popen(command, stdin=PIPE, stdout=DEVNULL, stderr=log) as ffmpeg:
        assert ffmpeg.stdin is not None
        with suppress(BrokenPipeError):  # it gave up, and its log says why
            for frame in chain([first], remaining):
                _check(frame, first.shape)
                ffmpeg.stdin.write(np.ascontiguousarray(frame).data)
        with suppress(BrokenPipeError):
            ffmpeg.stdin.close()
        if ffmpeg.wait():
            log.seek(0)
            reason = " ".join(log.read().decode(errors="replace").split())
            raise UserError(f"ffmpeg could not write the video: {reason}")


def _check(frame: np.ndarray, shape: tuple[int, ...]) -> None:
    if frame.ndim != 3 or frame.shape[-1] != 3 or frame.dtype != np.uint8:
        raise UserError(f"a frame is {frame.dtype}{list(frame.shape)}: a video needs uint8[height, width, 3]")
    if frame.shape != shape:
        raise UserError(f"a frame is {list(frame.shape)} but the first was {list(shape)}: all must be of one size")
