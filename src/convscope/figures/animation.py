"""Save frames as an animated GIF, an MP4 (with ffmpeg), or a strip of stills."""

import io
import itertools
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from convscope.core.atomic import write_bytes
from convscope.core.errors import MissingPackageError, ParameterError, StorageError
from convscope.core.temporaries import temporary_folder

from .convolution import Pixels

ANIMATION_FORMATS = (".gif", ".mp4", ".png")
STILLS = 6
"""Frames of a strip."""
_PAUSE_MS, _LAST_PAUSE_MS = 450, 2_500


def check_animation(path: Path) -> None:
    """Check the suffix of an animation, and that ffmpeg is installed if it is needed.

    Raises:
        ParameterError: the suffix is another.
        MissingPackageError: ffmpeg is needed and not installed.
    """
    if path.suffix.lower() not in ANIMATION_FORMATS:
        raise ParameterError(
            f"`output` must end in .gif, .mp4 or .png (a strip). Got {path.name!r}. Choose one of them."
        )
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise MissingPackageError("MP4 needs ffmpeg, which is not installed. Install it, or write a .gif.")


def save_animation(frames: Iterable[Pixels], path: Path) -> int:
    """Write the frames, H W 3, to `path` atomically, in the format of its suffix; return their number.

    Raises:
        ParameterError: the suffix is not .gif, .mp4 or .png.
        MissingPackageError: ffmpeg is needed and not installed.
        StorageError: the file cannot be written.
    """
    check_animation(path)
    data, count = _WRITERS[path.suffix.lower()](frames)
    write_bytes(path, data)
    return count


def _gif(frames: Iterable[Pixels]) -> tuple[bytes, int]:
    images = [Image.fromarray(frame).quantize(96, dither=Image.Dither.NONE) for frame in frames]
    pauses = [_PAUSE_MS] * (len(images) - 1) + [_LAST_PAUSE_MS]
    written = io.BytesIO()
    images[0].save(written, "GIF", save_all=True, append_images=images[1:], duration=pauses, loop=0, optimize=True)
    return written.getvalue(), len(images)


def _strip(frames: Iterable[Pixels]) -> tuple[bytes, int]:
    """Return the frames stacked vertically."""
    every, written = list(frames), io.BytesIO()
    Image.fromarray(np.concatenate(every)).save(written, "PNG")
    return written.getvalue(), len(every)


def _mp4(frames: Iterable[Pixels]) -> tuple[bytes, int]:
    folder = temporary_folder()  # ffmpeg seeks in the file
    try:
        count = _encode(frames, folder / "animation.mp4")
        return (folder / "animation.mp4").read_bytes(), count
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _encode(frames: Iterable[Pixels], path: Path) -> int:
    """Write the frames to `path` with ffmpeg; return their number."""
    count, pending = 0, iter(frames)
    first = next(pending)
    height, width = (side // 2 * 2 for side in first.shape[:2])  # the codec needs even sides
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{1000 / _PAUSE_MS:.4f}", "-i", "-", "-pix_fmt", "yuv420p", "-f", "mp4", f"file:{path}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as writer:  # noqa: S603  # our own words
        try:
            for frame in itertools.chain([first], pending):
                count += 1
                writer.stdin.write(np.ascontiguousarray(frame[:height, :width]).tobytes())  # type: ignore[union-attr]
        except BrokenPipeError:
            pass  # its message follows
        message = writer.communicate()[1]
    if writer.returncode:
        raise StorageError(f"ffmpeg could not write {path.name}: {message.decode(errors='replace').strip()[:200]}.")
    return count


_WRITERS = {".gif": _gif, ".mp4": _mp4, ".png": _strip}
