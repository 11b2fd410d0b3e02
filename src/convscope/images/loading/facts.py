"""Facts recorded about every image: one row of numbers per image, so that millions fit into memory."""

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.images.decoding.decoder import EXTENSIONS, Decoded
from convscope.images.values import ValueRange, ValueRanges

FACTS = np.dtype(
    [
        ("digest", "<u8", (2,)),  # of pixels and shape: equal for exact duplicates
        ("width", "<u4"),
        ("height", "<u4"),
        ("mode", "S8"),  # Pillow's mode of the file, or "array"
        ("format", "S8"),
        ("unusable", "?"),
        ("misnamed", "?"),  # the extension says another format
        ("flat", "?"),  # one color
        ("color", "?"),  # not gray
        ("animated", "?"),
        ("clipped", "?"),  # more than one in a hundred of its values lie beyond the range of the dataset
    ]
)

_AT_ONCE = 1024
_CLIPPED = 0.01
_BLOCK_VALUES = 1 << 22
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}


def no_facts(count: int) -> NDArray[np.void]:
    """Return `count` empty rows of FACTS."""
    return np.zeros(count, FACTS)


def digest(values: NDArray[Any]) -> bytes:
    """Return a hash of 16 bytes of the values, their type and shape.

    Examples:
        >>> digest(np.zeros((2, 3, 1), np.uint8)) == digest(np.zeros((3, 2, 1), np.uint8))
        False
    """
    sums = _begun(values.shape, values.dtype)
    sums.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return sums.digest()


def is_flat(pixels: NDArray[Any]) -> bool:
    """Return whether all pixels of H W C are equal."""
    first = pixels[0, 0]
    return bool((pixels[0] == first).all()) and all(bool((rows == first).all()) for rows in _blocks(pixels))


def is_gray(pixels: NDArray[Any]) -> bool:
    """Return whether H W C has no color: one channel, or red, green and blue equal everywhere."""
    if pixels.shape[2] == 1:
        return True
    row = pixels[0]  # first: most color images have color there
    return _equal(row) and all(_equal(rows) for rows in _blocks(pixels))


def _blocks(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Give blocks of rows of H W C: a comparison takes as much memory again, and stops at the first difference."""
    step = max(1, _BLOCK_VALUES // pixels[0].size)
    for top in range(0, len(pixels), step):
        yield pixels[top : top + step]


def is_misnamed(name: str, kind: str) -> bool:
    """Return whether the extension of a file belongs to another image format than `kind`.

    Examples:
        >>> is_misnamed("a.png", "JPEG"), is_misnamed("a.JPG", "JPEG"), is_misnamed("a", "JPEG")
        (True, False, False)
    """
    suffix = os.path.splitext(name)[1].lower()
    return suffix in EXTENSIONS and suffix not in _SUFFIXES.get(kind, (suffix,))


def facts_of(decoded: Decoded, name: str, ranges: ValueRanges | None = None) -> tuple[object, ...]:
    """Return one row of FACTS for a decoded image.

    Args:
        decoded: the image.
        name: of its file, "" if there is none.
        ranges: of its dataset; None if unknown.
    """
    pixels = decoded.values
    height, width = decoded.full_size
    return (
        np.frombuffer(digest(pixels), "<u8"),
        width,
        height,
        decoded.mode.encode()[:8],
        decoded.format.encode()[:8],
        False,
        is_misnamed(name, decoded.format),
        is_flat(pixels),
        not is_gray(pixels),
        decoded.animated,
        _is_clipped(pixels, ranges, decoded.usual),
    )


def facts_of_stack(
    images: NDArray[Any], ranges: ValueRanges | None = None, on_progress: Callable[[int], None] | None = None
) -> NDArray[np.void]:
    """Return the rows of FACTS for an array of images, N H W C; faster than `facts_of` for each.

    on_progress: called with the number of images done since the last call.
    """
    facts = no_facts(len(images))
    facts["height"], facts["width"] = images.shape[1:3]
    facts["mode"] = facts["format"] = b"array"
    step = max(1, min(_AT_ONCE, _BLOCK_VALUES // images[0].size))
    for start in range(0, len(images), step):
        block = np.ascontiguousarray(images[start : start + step])
        rows = facts[start : start + len(block)]
        rows["digest"] = np.frombuffer(b"".join(_digests(block)), "<u8").reshape(-1, 2)
        if step == 1:
            rows["flat"], rows["color"] = is_flat(block[0]), not is_gray(block[0])
        else:
            rows["flat"] = (block == block[:, :1, :1]).all(axis=(1, 2, 3))
            if block.shape[3] > 1:
                rows["color"] = (block[..., :1] != block[..., 1:3]).any(axis=(1, 2, 3))
        if images.dtype != np.uint8 or (ranges is not None and ranges.byte is not None):
            rows["clipped"] = [_is_clipped(image, ranges) for image in block]
        if on_progress is not None:
            on_progress(len(block))
    return facts


def _digests(images: NDArray[Any]) -> Iterator[bytes]:
    """Give the `digest` of each image of a contiguous N H W C."""
    begun = _begun(images.shape[1:], images.dtype)
    area = images[0].nbytes
    data = images.reshape(-1).view(np.uint8).data
    for start in range(0, len(data), area):
        sums = begun.copy()
        sums.update(data[start : start + area])
        yield sums.digest()


def _begun(shape: tuple[int, ...], dtype: np.dtype[Any]) -> "hashlib.blake2b":
    """Return the hash of shape and type that a digest starts with; uint8 is not written."""
    kind = "" if dtype == np.uint8 else dtype.newbyteorder("=").str
    return hashlib.blake2b(f"{shape!r}{kind}".encode(), digest_size=16)


def _is_clipped(values: NDArray[Any], ranges: ValueRanges | None, usual: ValueRange | None = None) -> bool:
    if ranges is None or ranges.each or (values.dtype == np.uint8 and ranges.byte is None):
        return False
    color = values[..., :3]
    span = ranges.of(color, usual)
    return span is not None and span.beyond(color) > _CLIPPED


def _equal(pixels: NDArray[Any]) -> bool:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return bool((red == green).all()) and bool((green == blue).all())
