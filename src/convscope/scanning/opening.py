"""The reader of whatever an image is given as."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convscope.core.arguments import PATH, check_value
from convscope.core.errors import DataError, MissingPackageError, UnreadableImageError
from convscope.core.text import printable
from convscope.images.decoding.decoder import decode
from convscope.images.decoding.pixel_budget import LIMIT_PIXELS

from .channels import check_shape
from .other_readers import other_reader, zarr_reader
from .readers import ArrayReader, Reader
from .tiff_reader import TiffReader

TIFF_ENDINGS = (".tif", ".tiff", ".svs", ".ndpi", ".scn", ".btf", ".gtiff")


@contextlib.contextmanager
def open_image(image: Any) -> Iterator[Reader]:
    """Give the reader of an image: a path, an array, a Zarr array, or a reader itself.

    A TIFF of any size is read tile by tile, with the extra ``convscope[large]``; JPEG, PNG and other files are decoded
    whole, up to the bound of `decode`. What neither opens is left to OpenSlide, GDAL or libvips, if they are installed.

    Raises:
        DataError: it is no image that can be scanned; the message is one sentence.
        ParameterError: its path is no valid one.
        MissingPackageError: a package is needed to read it.
    """
    if isinstance(image, (str, os.PathLike)):
        check_value("image", image, PATH)
        with contextlib.ExitStack() as stack:
            yield _open_path(Path(image), stack)
    elif isinstance(image, Reader):
        check_shape(image.shape, image.name)
        yield image
    elif hasattr(image, "shape") and hasattr(image, "dtype") and hasattr(image, "__getitem__"):
        yield ArrayReader(image)
    else:
        raise DataError(f"`image` must be a path, an array H W C, or a reader. Got {type(image).__name__}.")


def _open_path(path: Path, stack: contextlib.ExitStack) -> Reader:
    """Return the reader of a file or folder; what it holds open is closed with the stack."""
    name = printable(os.fsdecode(path))
    if path.is_dir():
        return zarr_reader(path, name)
    try:
        if path.suffix.lower() in TIFF_ENDINGS:
            try:
                return stack.enter_context(TiffReader(path))
            except (MissingPackageError, UnreadableImageError):  # decoded whole, if it is small enough
                if path.stat().st_size > LIMIT_PIXELS:
                    raise
        return ArrayReader(decode(path).values, name)
    except (DataError, MissingPackageError) as error:
        other = other_reader(path, name) if path.is_file() else None
        if other is not None:
            return other
        if not isinstance(error, UnreadableImageError):
            raise
        is_large = path.suffix.lower() not in TIFF_ENDINGS and path.is_file() and "pixels" in str(error)
        hint = " Convert it to a tiled TIFF, or install pyvips, to read it in parts." if is_large else ""
        raise DataError(f"{name} cannot be scanned: {error}.{hint}") from None
