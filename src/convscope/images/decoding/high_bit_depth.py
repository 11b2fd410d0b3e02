"""Values of more than 8 bits that Pillow truncates or misinterprets: 16-bit color, signed, inverted, 12 bits."""

import re
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

from convscope.images.values import ValueRange, bits_in_use, opaque_value

from .damage import refuse_large
from .modes import WIDE, turned
from .tiff import is_simple, read_values, turn
from .tiff_tags import read_tags

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO = 0
_PLANAR = 2  # of these, libtiff gives Pillow the upper bytes only
_UNSIGNED, _SIGNED = 1, 2
_NATIVE, _OTHER = ("L", "B") if sys.byteorder == "little" else ("B", "L")
_LOWER = {"L": "B", "B": "L", "N": _OTHER}
"""From the byte order of a raw mode that gives the upper byte to the order that gives the lower byte."""
_ORDERED = {
    **dict.fromkeys(("I;16S", "I;16BS"), ("I;16S", "I;16BS")),
    **dict.fromkeys(("I;32S", "I;32BS"), ("I;32S", "I;32BS")),
    **dict.fromkeys(("I;32N", "I;32", "I;32B"), ("I;32", "I;32B")),
    **dict.fromkeys(("F;32F", "F;32BF"), ("F;32F", "F;32BF")),
}
"""From the raw mode of a wide TIFF to its little-endian and big-endian modes."""
_PLANES = ("R", "G", "B", "A")
_GRAY_ALPHA = "LA;16B"
_PPM_HEAD_WITHIN = 1 << 12
_PPM_HEAD = rb"P6(?:\s|#[^\r\n]*[\r\n])+\d+(?:\s|#[^\r\n]*[\r\n])+\d+(?:\s|#[^\r\n]*[\r\n])+(?P<most>\d+)\s"
_SBIT_WITHIN = 1 << 16  # bytes of a PNG that are searched: the chunk is before palette and pixels


def sixteen_bit_color(image: ImageFile.ImageFile, stream: BinaryIO, limit_pixels: int) -> NDArray[np.uint16] | None:
    """Return the values of an image with 16 bits a channel, uint16 H W C; None for any other image.

    Pillow has no such mode, and keeps the upper bytes. The same raw modes in the other byte order give the lower bytes,
    so the image is decoded twice.

    Args:
        image: opened, not loaded.
        stream: from which it was opened.
        limit_pixels: of 32 bits; wider pixels count as more.

    Raises:
        UnreadableImageError: it is too large.
    """
    modes = [_raw_mode(tile) for tile in image.tile]
    upper = _upper_modes(image, modes)
    if upper or modes == [_GRAY_ALPHA]:
        refuse_large(image.size, 4 * limit_pixels // (2 * len(image.getbands())))
    if image.format == "PNG" and modes == [_GRAY_ALPHA]:
        both = _half(stream, image, ["RGBA"])  # gray and opacity, the upper byte of each and the lower one
        gray, opacity = _words(both[..., 0], both[..., 1]), _words(both[..., 2], both[..., 3])
        return _without_opaque(np.stack([gray, gray, gray, opacity], axis=-1), gray=True)
    if image.format == "PPM" and image.mode == "RGB":
        return _words_of_ppm(stream, image.size)
    if not upper:
        return None
    if _in_packed_planes(image):
        tags = read_tags(stream)
        return turn(read_values(stream, tags, limit_pixels), tags.orientation) if tags and is_simple(tags) else None
    lower = [f"{mode[:-1]}{_LOWER[mode[-1]]}" for mode in upper]
    values = _words(_half(stream, image, upper), _half(stream, image, lower))
    key = image.info.get("transparency")
    if isinstance(key, tuple) and len(key) == 3 and values.shape[2] == 3:
        opacity = np.where((values == np.array(key)).all(axis=2, keepdims=True), 0, 65535).astype(np.uint16)
        values = np.concatenate([values, opacity], axis=2)
    return _without_opaque(values) if values.shape[2] == 4 else values


def cut_bits(image: ImageFile.ImageFile, stream: BinaryIO) -> tuple[str, ...]:
    """Return a remark if only the upper 8 of 16 bits are available: planes compressed by other methods than deflate."""
    is_cut = _in_packed_planes(image) and _upper_modes(image, [_raw_mode(tile) for tile in image.tile])
    tags = read_tags(stream) if is_cut else None
    return ("only the first 8 of 16 bits are used",) if tags is not None and not is_simple(tags) else ()


def _in_packed_planes(image: ImageFile.ImageFile) -> bool:
    is_packed = bool(image.tile) and image.tile[0][0] == "libtiff"
    return is_packed and getattr(image, "_planar_configuration", 1) == _PLANAR


def mend_byte_order(image: ImageFile.ImageFile) -> None:
    """Correct the byte order by which an opened TIFF is decoded.

    libtiff returns values in the byte order of this machine, which Pillow respects for unsigned 16 bits only; unsigned
    32 bits it always reads in the order of this machine.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    order = _NATIVE if image.tile and image.tile[0][0] == "libtiff" else {b"II": "L", b"MM": "B"}[image.tag_v2.prefix]
    image.tile = [
        _with_raw_mode(tile, _ORDERED[_raw_mode(tile)][order == "B"]) if _raw_mode(tile) in _ORDERED else tile
        for tile in image.tile
    ]


def _words_of_ppm(stream: BinaryIO, size: tuple[int, int]) -> NDArray[np.uint16] | None:
    """Return the values of a binary PPM with 16 bits a channel, which Pillow would reduce to 8; None for others."""
    stream.seek(0)
    head = re.match(_PPM_HEAD, stream.read(_PPM_HEAD_WITHIN))
    most = int(head["most"]) if head else 0
    if head is None or not 255 < most <= 65535:
        return None
    stream.seek(head.end())
    width, height = size
    data = stream.read(width * height * 6)
    if len(data) < width * height * 6:
        raise EOFError
    values = np.frombuffer(data, ">u2").reshape(height, width, 3).astype(np.uint16)
    if most == 65535:
        return values
    np.minimum(values, most, out=values)
    return np.asarray((values.astype(np.uint32) * 65535 + most // 2) // most, np.uint16)  # as Pillow does for gray


def as_tagged(values: NDArray[Any], image: ImageFile.ImageFile) -> tuple[NDArray[Any], ValueRange | None]:
    """Return the values H W C of a loaded image as its tags define them, and the range that they declare.

    Signed 8-bit, 16-bit and unsigned 32-bit integers get their types; if 0 is white, values are inverted, which Pillow
    does for 8 bits only. The range is None if the file declares none beyond its type.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return (values.astype(np.uint16) if values.dtype == np.int32 else values), None  # PNG and PPM of 16 bits
    mode: str = image.mode
    sample, bits = _first(image, _SAMPLE_FORMAT, _UNSIGNED), _first(image, _BITS_PER_SAMPLE, 0)
    if sample == _SIGNED and bits == 8 and values.dtype == np.uint8 and values.shape[2] == 1:
        return values.view(np.int8), None
    if values.dtype == np.int32 and bits == 32 and sample == _UNSIGNED:
        values = values.view(np.uint32)
    elif values.dtype == np.int32 and bits == 16:
        values = values.astype(np.int16 if sample == _SIGNED else np.uint16)
    used = bits if values.dtype == np.uint16 and 8 < bits < 16 else 0
    if mode in WIDE and _first(image, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        values = 1 - values if values.dtype.kind == "f" else ~values
        if used:
            values = values & (2**used - 1)
    return values, bits_in_use(used) if used else None


def range_in_png(stream: BinaryIO) -> ValueRange | None:
    """Return the range of the bits declared by the sBIT chunk of a PNG of 16 bits; None without it."""
    stream.seek(8)
    while stream.tell() < _SBIT_WITHIN:
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"sBIT" and 1 <= length <= 4:
            bits = max(stream.read(length))
            return bits_in_use(bits) if 8 < bits < 16 else None
        if len(head) < 8 or kind in (b"PLTE", b"IDAT"):
            return None
        stream.seek(length + 4, 1)
    return None


def _upper_modes(image: ImageFile.ImageFile, modes: Sequence[str]) -> list[str]:
    """Return the raw mode of each tile that gives the upper bytes; empty if the image has 8 bits per channel."""
    if modes and all(mode[:-1] in ("RGB;16", "RGBA;16") for mode in modes):
        return list(modes)
    if (
        not isinstance(image, TiffImagePlugin.TiffImageFile)
        or not modes
        or _first(image, _BITS_PER_SAMPLE, 8) != 16
        or not set(modes) <= set(_PLANES)
    ):
        return []
    order = {b"II": "L", b"MM": "B"}.get(image.tag_v2.prefix, _NATIVE)
    return [f"{mode};16{order}" for mode in modes]


def _half(stream: BinaryIO, image: ImageFile.ImageFile, modes: Sequence[str]) -> NDArray[np.uint8]:
    """Return the image decoded with one raw mode per tile, with its orientation applied: uint8 H W C."""
    stream.seek(0)
    with Image.open(stream, formats=[str(image.format)]) as half:
        half.tile = [_with_raw_mode(tile, mode) for tile, mode in zip(half.tile, modes, strict=True)]
        half.load()
        return np.asarray(turned(half)[0])


def _words(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint16]:
    words = upper.astype(np.uint16)
    words <<= 8
    words |= lower
    return words


def _without_opaque(values: NDArray[np.uint16], *, gray: bool = False) -> NDArray[np.uint16]:
    """Return RGBA, or its color channels if it is fully opaque."""
    if values[..., 3].min() < opaque_value(values[..., 3]):
        return values
    return np.ascontiguousarray(values[..., : 1 if gray else 3])


def _raw_mode(tile: Any) -> str:
    arguments = tile[3]
    return str(arguments if isinstance(arguments, str) else (arguments or [""])[0])


def _with_raw_mode(tile: Any, mode: str) -> Any:
    arguments = mode if isinstance(tile[3], str) else (mode, *tile[3][1:])
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)


def _first(image: TiffImagePlugin.TiffImageFile, tag: int, missing: int) -> int:
    value = image.tag_v2.get(tag, missing)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else missing
