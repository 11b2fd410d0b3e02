"""Decode an image file to values: every common format and mode, EXIF orientation applied, or the reason of failure."""

import dataclasses
import io
import math
import os
import stat
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from convscope.core.errors import UnreadableImageError
from convscope.images.values import BYTES, ValueRange, ValueRanges, full_range

from .damage import describe_bomb, describe_damage, describe_foreign, refuse_large, webp_size
from .decoder_messages import captured_messages, first_message, quiet_pillow, remarks_on
from .high_bit_depth import as_tagged, cut_bits, mend_byte_order, range_in_png, sixteen_bit_color
from .metadata import without_metadata
from .modes import by_blocks, finite, to_values, turned
from .pixel_budget import IN_FLIGHT, LIMIT_PIXELS
from .tiff import is_simple, read_values, turn
from .tiff_tags import TiffTags, read_tags
from .unsupported import describe_unsupported, is_known, unused

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""Supported formats, by their Pillow names; all others are refused before any of their bytes are interpreted."""

EXTENSIONS = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".gif",
        ".ppm", ".pgm", ".pbm", ".pnm", ".pfm",
    }
)  # fmt: skip
"""Extensions (lower case) of the files that are listed as images."""

_DRAFT_MARGIN = 1.5  # times the target size: see docs/decisions/0006
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)  # imported so that Pillow does not load every plugin to find these two
# Errors of Pillow and its codecs on damaged data (each seen in a test or in an issue of Pillow).
_DAMAGE = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, AttributeError,
    AssertionError, NotImplementedError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """One decoded image.

    values: H W C as in the file: uint8, or wider integers and floats; C = 1 gray, 3 RGB, 4 RGBA if some pixel is not
    opaque. mode: Pillow mode of the file, or "array". format: "JPEG", "PNG", …, or "array". animated: there are more
    frames; this is the first. full_size: (height, width) of the image in the file after its EXIF orientation; larger
    than `values` only if `decode(near=…)` read a JPEG at reduced scale. usual: value range declared by the file or
    array of the image; None if it declares none. remarks: defects of a usable image: messages of its decoder, and
    parts that are not used.
    """

    values: NDArray[Any]
    mode: str = "array"
    format: str = "array"
    animated: bool = False
    full_size: tuple[int, int] = (0, 0)
    usual: ValueRange | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.full_size == (0, 0):
            object.__setattr__(self, "full_size", self.values.shape[:2])

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The image as uint8 H W C, by the convention of its type, or by the full range of the type.

        Networks use the value ranges of their dataset instead, see `Preprocessing`.
        """
        levels = ValueRanges().gray_levels(self.values, self.usual)
        return (full_range(self.values.dtype) or BYTES).gray_levels(self.values) if levels is None else levels


class _DecodeOptions(NamedTuple):
    """Options of `decode`."""

    limit_pixels: int
    near: tuple[int, int] | None


def decode(
    file: Path | bytes | BinaryIO, *, limit_pixels: int = LIMIT_PIXELS, near: tuple[int, int] | None = None
) -> Decoded:
    """Return the pixels of one image.

    Args:
        file: a path, the bytes of a file, or an open binary file that can seek.
        limit_pixels: an image whose header declares more is refused. Pillow's own limit of about 179 megapixels
            (``PIL.Image.MAX_IMAGE_PIXELS``, doubled) applies, too.
        near: target size in pixels, (height, width) in either order: a JPEG may then be decoded at 1/2, 1/4 or 1/8
            of its scale, much faster, with both sides at least one and a half times the larger of the two.

    Raises:
        UnreadableImageError: the image is unusable; the text is the reason, without the file name.

    Examples:
        >>> decode(b"P5 2 1 255 " + bytes([0, 255])).pixels[:, :, 0]
        array([[  0, 255]], dtype=uint8)
        >>> decode(b"")
        Traceback (most recent call last):
        convscope.core.errors.UnreadableImageError: the file is empty (0 bytes)
    """
    options = _DecodeOptions(limit_pixels, near)
    if isinstance(file, bytes):
        return _decode(io.BytesIO(file), options)
    if not isinstance(file, (str, os.PathLike)):
        return _decode(file, options)
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # a pipe would block for ever
            raise UnreadableImageError("it is a folder or a device, not a file")
        with open(file, "rb") as stream:
            return _decode(stream, options)
    except FileNotFoundError:
        raise UnreadableImageError("the file is not there") from None
    except PermissionError:
        raise UnreadableImageError("there is no permission to read it") from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name holds a zero byte"
        raise UnreadableImageError(f"it cannot be read: {reason}") from None


def _decode(stream: BinaryIO, options: _DecodeOptions) -> Decoded:
    start = stream.read(64)
    if not start:
        raise UnreadableImageError("the file is empty (0 bytes)")
    with IN_FLIGHT.held():
        decoded: Decoded | Exception
        with captured_messages(start) as complaints:
            try:
                decoded = _with_pillow(stream, start, options)
            except UnreadableImageError:
                raise
            except _DAMAGE as error:
                decoded = error.with_traceback(None)  # which would keep the incomplete image in memory
        if isinstance(decoded, Exception):
            decoded = _otherwise(stream, start, options, decoded, first_message(complaints))
        if complaints:
            decoded = dataclasses.replace(decoded, remarks=(*remarks_on(complaints), *decoded.remarks))
        return decoded


def _with_pillow(stream: BinaryIO, start: bytes, options: _DecodeOptions) -> Decoded:
    canvas = webp_size(start)
    refuse_large(canvas, options.limit_pixels)
    IN_FLIGHT.take(math.prod(canvas))
    try:
        with quiet_pillow(), Image.open(stream, formats=IMAGE_FORMATS) as image:
            return _load(image, stream, options)
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(describe_bomb(error, options.limit_pixels)) from None


def _otherwise(stream: BinaryIO, start: bytes, options: _DecodeOptions, error: Exception, complaint: str) -> Decoded:
    """Decode what Pillow cannot: without metadata, or as a simple TIFF.

    Raises:
        UnreadableImageError: that fails, too; the reason is from the `error` of Pillow and the decoder's `complaint`.
    """
    try:
        plain = without_metadata(stream, start)
        if plain is not None:
            return _with_pillow(plain, start, options)
    except UnreadableImageError:
        raise
    except _DAMAGE as again:
        if not isinstance(again, UnidentifiedImageError):
            error = again.with_traceback(None)
    try:
        tags = read_tags(stream)
        if tags is not None and is_simple(tags) and (isinstance(error, UnidentifiedImageError) or not is_known(tags)):
            IN_FLIGHT.take(tags.width * tags.height * tags.samples)
            return _of_values(read_values(stream, tags, options.limit_pixels), tags)
        kind = describe_unsupported(stream, start, f"{error} {complaint}")
    except UnreadableImageError:
        raise
    except _DAMAGE as damage:
        raise UnreadableImageError(describe_damage(damage)) from None
    if not kind and isinstance(error, UnidentifiedImageError):
        kind = describe_foreign(start, IMAGE_FORMATS)
    raise UnreadableImageError(kind or describe_damage(error, complaint)) from None


def _check_offsets(image: ImageFile.ImageFile, stream: BinaryIO) -> None:
    """Validate that every tile starts within the file: Pillow would allocate memory up to its offset.

    Raises:
        OSError: a tile starts behind the end of the file.
    """
    here = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    if any(tile[2] > end for tile in image.tile):
        raise OSError("image file is truncated: pixels are behind its end")


def _of_values(values: NDArray[Any], tags: TiffTags) -> Decoded:
    """Return the image of the values of a TIFF that Pillow does not support."""
    mode = "F" if values.dtype.kind == "f" else "I"
    return Decoded(values=turn(finite(values), tags.orientation), mode=mode, format="TIFF")


def _load(image: ImageFile.ImageFile, stream: BinaryIO, options: _DecodeOptions) -> Decoded:
    refuse_large(image.size, options.limit_pixels)
    mode, width, height = image.mode, *image.size
    if options.near is not None and image.format in ("JPEG", "MPO"):
        side = math.ceil(_DRAFT_MARGIN * max(options.near))  # for both sides: the image may still be rotated
        image.draft(None, (side, side))  # None keeps the mode
    size, left_out = image.size, (*unused(image), *cut_bits(image, stream))
    IN_FLIGHT.take(math.prod(size))
    values: NDArray[Any] | None = sixteen_bit_color(image, stream, options.limit_pixels)
    full_size, on_its_side, usual, animated = (0, 0), False, None, False
    if values is None:
        mend_byte_order(image)
        _check_offsets(image, stream)
        image.load()  # Pillow applies the orientation of a TIFF here
        animated = _has_more_frames(image)
        upright, on_its_side = turned(image)
        if upright is not image:
            image.close()  # two copies of a large image would take much memory
        values, usual = as_tagged(by_blocks(upright, to_values), image)
    else:
        animated = _has_more_frames(image)
    if image.format == "PNG" and values.dtype == np.uint16:
        usual = range_in_png(stream)
    if (width, height) != size and image.format in ("JPEG", "MPO"):  # read at reduced scale
        full_size = (width, height) if on_its_side else (height, width)
    return Decoded(
        values=values,
        mode=mode,
        format="JPEG" if image.format == "MPO" else str(image.format),
        animated=animated,
        full_size=full_size,
        usual=usual,
        remarks=left_out,
    )


def _has_more_frames(image: Image.Image) -> bool:
    """Return whether more frames follow; damage after the first frame is ignored."""
    if image.format in ("MPO", "JPEG"):
        return False  # a second image in a JPEG file is a preview or a stereo pair
    try:
        return bool(getattr(image, "is_animated", False))
    except _DAMAGE:
        return True
