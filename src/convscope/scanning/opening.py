"""The reader of whatever an image is given as."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convscope.core.arguments import PATH, check_value
from convscope.core.errors import DataError, MissingPackageError, ParameterError, UnreadableImageError
from convscope.core.text import printable
from convscope.images.decoding.decoder import decode
from convscope.images.decoding.pixel_budget import LIMIT_PIXELS

from .channels import check_shape
from .other_readers import other_reader, write_tiled, zarr_reader
from .readers import ArrayReader, Reader
from .room import BASE_BYTES, decoding_bytes, parse_bytes, size_option
from .tiff_reader import TiffReader

TIFF_ENDINGS = (".tif", ".tiff", ".svs", ".ndpi", ".scn", ".btf", ".gtiff")
_ZARR = ("zarr.json", ".zarray", ".zgroup")  # one of which is in every Zarr folder
_LIBVIPS_BYTES = 64 << 20  # that it keeps when it has written the tiles
_SHARE = 4  # of the memory, that an image may take while it is decoded


@contextlib.contextmanager
def open_image(image: Any, memory: str | None = None) -> Iterator[Reader]:
    """Give the reader of an image: a path, an array, a Zarr array, or a reader itself.

    A TIFF of any size is read tile by tile, with the extra ``convscope[large]``; JPEG, PNG and other files are decoded
    whole, up to the bound of `decode`. Where a JPEG or PNG would take more than a quarter of `memory`, a size such as
    ``512M``, libvips, if it is installed, writes it as tiles of a temporary file. What neither opens is left to
    OpenSlide, GDAL or libvips.

    Raises:
        DataError: it is no image that can be scanned; the message is one sentence.
        ParameterError: its path is no valid one, or `memory` has no room for it.
        MissingPackageError: a package is needed to read it.
    """
    if isinstance(image, (str, os.PathLike)):
        check_value("image", image, PATH)
        with contextlib.ExitStack() as stack:
            yield _open_path(Path(image), memory, stack)
    elif isinstance(image, Reader):
        check_shape(image.shape, image.name)
        yield image
    elif hasattr(image, "shape") and hasattr(image, "dtype") and hasattr(image, "__getitem__"):
        yield ArrayReader(image)
    else:
        raise DataError(f"`image` must be a path, an array H W C, or a reader. Got {type(image).__name__}.")


def stamp_of(path: str) -> str:
    """Return what changes when a file is written again, its size and time; empty for what is no file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} bytes, {status.st_mtime_ns} ns" if stat.S_ISREG(status.st_mode) else ""


def _open_path(path: Path, memory: str | None, stack: contextlib.ExitStack) -> Reader:
    """Return the reader of a file or folder; what it holds open is closed with the stack."""
    name = printable(os.fsdecode(path))
    if path.is_dir():
        if not any((path / file).exists() for file in _ZARR):
            raise DataError(f"{name} cannot be scanned: it is a folder, and no Zarr array. Give one image.")
        return zarr_reader(path, name)
    try:
        if path.suffix.lower() in TIFF_ENDINGS:
            try:
                return stack.enter_context(TiffReader(path))
            except (MissingPackageError, UnreadableImageError):  # decoded whole, if it is small enough
                if path.stat().st_size > LIMIT_PIXELS:
                    raise
        return _whole(path, name, memory, stack)
    except (DataError, MissingPackageError) as error:
        other = other_reader(path, name) if path.is_file() else None
        if other is not None:
            return other
        if not isinstance(error, UnreadableImageError):
            raise
        is_large = path.suffix.lower() not in TIFF_ENDINGS and path.is_file() and "pixels" in str(error)
        hint = " Convert it to a tiled TIFF, or install pyvips, to read it in parts." if is_large else ""
        raise DataError(f"{name} cannot be scanned: {error}.{hint}") from error


def _whole(path: Path, name: str, memory: str | None, stack: contextlib.ExitStack) -> Reader:
    """Return the reader of an image that is decoded whole; in tiles of a temporary file where that is much.

    Raises:
        ParameterError: the memory has no room for it.
    """
    if memory is not None:
        asked, (needed, is_plain) = parse_bytes(memory), decoding_bytes(path)
        if is_plain and needed > asked // _SHARE:
            tiled = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "image.tif"
            if write_tiled(path, tiled):
                parts = stack.enter_context(TiffReader(tiled))
                parts.name, parts.tags, parts.pixel_um = name, {}, None
                parts.held_bytes = _LIBVIPS_BYTES
                return parts
        if needed + BASE_BYTES > asked:
            hint = " Install pyvips to read it in parts." if is_plain else ""
            least = size_option(needed + BASE_BYTES)
            raise ParameterError(f"`memory` must be at least {least} to decode {name}. Got {memory}.{hint}")
    decoded = decode(path)
    reader = ArrayReader(decoded.values, name)
    reader.held_bytes = reader.array.nbytes
    reader.note = f"{name} has more than one image: the first is scanned" if decoded.animated else ""
    return reader
