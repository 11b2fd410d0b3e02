"""One picture file to pixels: every common format and mode, turned as EXIF says, or one sentence why not."""

import dataclasses
import io
import math
import os
import stat
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from convscope.core.errors import UnreadableImageError
from convscope.images.values import ValueRange, ValueRanges

from .damage import describe_bomb, describe_damage, describe_foreign, refuse_large, webp_size
from .modes import to_values
from .orientation import turned
from .quiet import quiet_pillow
from .wide import as_tagged, mend_byte_order, range_in_png, wide_color

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""The Pillow formats that are read; everything else is refused before any of its bytes are interpreted."""

EXTENSIONS = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".gif",
        ".ppm", ".pgm", ".pbm", ".pnm", ".pfm",
    }
)  # fmt: skip
"""Extensions (lower case) of files that count as pictures when a folder is listed."""

LIMIT_PIXELS = 178_000_000
"""Most pixels that the header of one picture may declare; more is refused before memory is taken."""

_LEFT_FOR_THE_FILTER = 1.5  # times the size wanted: see docs/decisions/0006
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)  # imported so that Pillow need not load every plugin to find these two
# What Pillow and the codecs below it raise on damaged data (each seen in a test or in one of Pillow's own threads).
_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    AssertionError, NotImplementedError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """One decoded picture.

    values: H W C as they stand in the file: uint8, or wider integers and floats; C = 1 gray, 3 RGB, 4 RGBA where some
    pixel is not opaque. mode: Pillow's mode of the file, or "array". format: "JPEG", "PNG", …, or "array". animated:
    there were more frames; the first is here. full_size: (height, width) of the picture in the file, turned as EXIF
    says; larger than `values` only where `decode(near=…)` read a JPEG at reduced scale. usual: which of the values are
    black and white, as the file or the array that the picture is from says; None where it does not.
    """

    values: NDArray[Any]
    mode: str = "array"
    format: str = "array"
    animated: bool = False
    full_size: tuple[int, int] = (0, 0)
    usual: ValueRange | None = None

    def __post_init__(self) -> None:
        if self.full_size == (0, 0):
            object.__setattr__(self, "full_size", self.values.shape[:2])

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture by itself as uint8 H W C: values by the convention of their type, or from least to greatest.

        What a network sees is made by the ranges of its dataset instead, in its preprocessing.
        """
        levels = ValueRanges().gray_levels(self.values, self.usual)
        return ValueRanges(each=True).gray_levels(self.values) if levels is None else levels  # type: ignore[return-value]


def decode(
    file: Path | bytes | BinaryIO, *, limit_pixels: int = LIMIT_PIXELS, near: tuple[int, int] | None = None
) -> Decoded:
    """Return the pixels of one picture.

    Args:
        file: a path, the bytes of a file, or an open binary file that can seek.
        limit_pixels: refuse a picture whose header declares more. Pillow's own limit of about 179 megapixels
            (``PIL.Image.MAX_IMAGE_PIXELS``, doubled) holds besides.
        near: the size that is wanted in the end, in pixels, (height, width) in either order: a JPEG may then be read
            at 1/2, 1/4 or 1/8 of its scale, much faster, with both sides still at least one and a half times
            the larger of the two.

    Raises:
        UnreadableImageError: the picture cannot be used; the text is the reason without the name of the file.

    Examples:
        >>> decode(b"P5 2 1 255 " + bytes([0, 255])).pixels[:, :, 0]
        array([[  0, 255]], dtype=uint8)
        >>> decode(b"")
        Traceback (most recent call last):
        convscope.core.errors.UnreadableImageError: the file is empty (0 bytes)
    """
    if isinstance(file, bytes):
        return _decode(io.BytesIO(file), limit_pixels, near)
    if not isinstance(file, (str, os.PathLike)):
        return _decode(file, limit_pixels, near)
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # a pipe would block for ever
            raise UnreadableImageError("it is a folder or a device, not a file")
        with open(file, "rb") as stream:
            return _decode(stream, limit_pixels, near)
    except FileNotFoundError:
        raise UnreadableImageError("the file is not there") from None
    except PermissionError:
        raise UnreadableImageError("there is no permission to read it") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableImageError(f"it cannot be read: {reason}") from None


def _decode(stream: BinaryIO, limit_pixels: int, near: tuple[int, int] | None) -> Decoded:
    start = stream.read(64)
    if not start:
        raise UnreadableImageError("the file is empty (0 bytes)")
    refuse_large(webp_size(start), limit_pixels)
    try:
        with quiet_pillow(), Image.open(stream, formats=FORMATS) as image:
            return _load(image, stream, limit_pixels, near)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(describe_foreign(start, FORMATS)) from None
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(describe_bomb(error, limit_pixels)) from None
    except _DAMAGE as error:
        raise UnreadableImageError(describe_damage(error)) from None


def _load(image: ImageFile.ImageFile, stream: BinaryIO, limit_pixels: int, near: tuple[int, int] | None) -> Decoded:
    refuse_large(image.size, limit_pixels)
    mode, width, height = image.mode, *image.size
    if near is not None and image.format in ("JPEG", "MPO"):
        side = math.ceil(_LEFT_FOR_THE_FILTER * max(near))  # one side for both: the picture may still be turned
        image.draft(None, (side, side))  # None keeps the mode
    values: NDArray[Any] | None = wide_color(image, stream)
    full_size, on_its_side, usual = (0, 0), False, None
    if values is None:
        mend_byte_order(image)
        image.load()  # a TIFF is turned here, by Pillow itself
        picture, on_its_side = turned(image)
        values, usual = as_tagged(to_values(picture), image)
    if image.format == "PNG" and values.dtype == np.uint16:
        usual = range_in_png(stream)
    if (width, height) != image.size and image.format in ("JPEG", "MPO"):  # read at reduced scale
        full_size = (width, height) if on_its_side else (height, width)
    return Decoded(
        values=values,
        mode=mode,
        format="JPEG" if image.format == "MPO" else str(image.format),
        animated=_has_more_frames(image),
        full_size=full_size,
        usual=usual,
    )


def _has_more_frames(image: Image.Image) -> bool:
    """Return whether more frames follow; damage behind the first frame does not matter here."""
    if image.format in ("MPO", "JPEG"):
        return False  # a second picture in a JPEG file is a preview or the other eye
    try:
        return bool(getattr(image, "is_animated", False))
    except _DAMAGE:
        return True
