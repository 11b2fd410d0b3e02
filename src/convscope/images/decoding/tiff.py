"""Values of simple TIFF images that Pillow does not support (float64, float16, RGB of floats, …)."""

import math
import zlib
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import UnreadableImageError

from .damage import refuse_large
from .tiff_tags import FLIPPED_COLUMNS, FLIPPED_ROWS, ON_ITS_SIDE, TiffTags

_PLAIN, _DEFLATED = (1,), (8, 32946)
_DTYPES: Final = {
    (1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (1, 64): "u8",
    (2, 8): "i1", (2, 16): "i2", (2, 32): "i4", (2, 64): "i8",
    (3, 16): "f2", (3, 32): "f4", (3, 64): "f8",
}  # fmt: skip
_SUPPORTED_TYPES: Final = {
    "f2": np.float32,
    "u8": np.float64,
    "i8": np.float64,
}  # types that the pipeline does not support
_SMALL_TILE = 1 << 20  # pixels: a tile may be larger than a small image
_CUT = "the file is cut off: its image data end too early"


def is_simple(tags: TiffTags) -> bool:
    """Return whether `read_values` supports the image: gray or RGB, of 8 to 64 bits, uncompressed or deflated."""
    kinds = {(tags.formats[0], bits) for bits in tags.bits}
    gray = tags.photometric in (0, 1) and tags.samples == 1
    return (
        (gray or (tags.photometric == 2 and tags.samples == 3))
        and len(kinds) == len(set(tags.formats)) == 1
        and kinds <= _DTYPES.keys()
        and tags.compression in (*_PLAIN, *_DEFLATED)
        and (tags.predictor == 1 or (tags.predictor == 2 and tags.formats[0] != 3))
        and (tags.fill, tags.depth) == (1, 1)
        and tags.rows * tags.columns <= 4 * tags.width * tags.height + _SMALL_TILE
    )


def read_values(stream: BinaryIO, tags: TiffTags, limit_pixels: int) -> NDArray[Any]:
    """Return the values of an image for which `is_simple` holds, H W C, in the machine's byte order.

    float16 becomes float32, 64-bit integers become float64. If zero is white, values are inverted. The orientation is
    not applied. Memory: the result, and one strip or tile.

    Raises:
        UnreadableImageError: too large, or truncated.
        zlib.error: damaged.
    """
    refuse_large((tags.width, tags.height), limit_pixels)
    kind = np.dtype(tags.order + _DTYPES[tags.formats[0], tags.bits[0]])
    result_type = np.dtype(_SUPPORTED_TYPES.get(kind.str[1:], kind.newbyteorder("=")))
    refuse_large((tags.width, tags.height), limit_pixels * 4 // (result_type.itemsize * tags.samples))
    values = np.empty((tags.height, tags.width, tags.samples), result_type)
    together = 1 if tags.planar == 2 else tags.samples
    down, across = math.ceil(tags.height / tags.rows), math.ceil(tags.width / tags.columns)
    for number in range(down * across * (tags.samples // together)):
        channel, tile = divmod(number, down * across)
        top, left = tile // across * tags.rows, tile % across * tags.columns
        rows = tags.rows if tags.tiled else min(tags.rows, tags.height - top)
        shape = (rows, tags.columns, together)
        tile_values = _tile(stream, tags, number, kind, shape)
        target = values[top : top + rows, left : left + tags.columns]
        target = target[..., channel : channel + 1] if tags.planar == 2 else target
        target[:] = tile_values[: target.shape[0], : target.shape[1]]
    if tags.photometric == 0:
        white = {1: 2.0 ** tags.bits[0] - 1, 2: -1.0, 3: 1.0}[tags.formats[0]]
        values = np.subtract(np.array(white).astype(result_type), values, out=values)
    return values


def _tile(
    stream: BinaryIO, tags: TiffTags, number: int, kind: np.dtype[Any], shape: tuple[int, int, int]
) -> NDArray[Any]:
    """Return one strip or tile, rows columns channels."""
    expected = math.prod(shape) * kind.itemsize
    stream.seek(tags.offsets[number])
    if tags.compression in _PLAIN:
        data = stream.read(min(expected, tags.byte_counts[number]))
    else:
        data = zlib.decompressobj().decompress(stream.read(tags.byte_counts[number]), expected)
    if len(data) < expected:
        raise UnreadableImageError(_CUT)
    tile_values = np.frombuffer(data, kind).reshape(shape)
    if tags.predictor == 2:
        tile_values = np.cumsum(tile_values, axis=1, dtype=kind.newbyteorder("="))
    return tile_values


def turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return H W C with the orientation of a TIFF or EXIF tag applied; invalid orientations change nothing.

    Examples:
        >>> turn(np.array([[[1], [2]]], np.uint8), 6)[..., 0].tolist()
        [[1], [2]]
    """
    if orientation in ON_ITS_SIDE:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in FLIPPED_ROWS:
        pixels = pixels[::-1]
    if orientation in FLIPPED_COLUMNS:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
