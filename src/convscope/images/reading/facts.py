"""What is noted of every picture while it is read: one row of numbers a picture, so that millions fit into memory."""

import hashlib
import os
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from convscope.images.decoding.pictures import EXTENSIONS, Decoded

FACTS = np.dtype(
    [
        ("digest", "<u8", (2,)),  # of the pixels and their shape: equal for exact duplicates
        ("width", "<u4"),
        ("height", "<u4"),
        ("mode", "S8"),  # Pillow's mode of the file, or "array"
        ("format", "S8"),
        ("unusable", "?"),
        ("misnamed", "?"),  # the extension says another format
        ("flat", "?"),  # one colour
        ("color", "?"),  # not gray
        ("animated", "?"),
    ]
)

_AT_ONCE = 1024
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


def digest(pixels: NDArray[np.uint8]) -> bytes:
    """Return 16 bytes that differ for different pixels or shapes.

    Examples:
        >>> digest(np.zeros((2, 3, 1), np.uint8)) == digest(np.zeros((3, 2, 1), np.uint8))
        False
    """
    sums = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    sums.update(np.ascontiguousarray(pixels).data)
    return sums.digest()


def is_flat(pixels: NDArray[np.uint8]) -> bool:
    """Return whether all pixels of H W C are equal."""
    first = pixels[0, 0]
    return bool((pixels[0] == first).all()) and all(bool((rows == first).all()) for rows in _blocks(pixels))


def is_gray(pixels: NDArray[np.uint8]) -> bool:
    """Return whether H W C has no colour: one channel, or red, green and blue equal everywhere."""
    if pixels.shape[2] == 1:
        return True
    row = pixels[0]  # looked at first: most pictures with colour show it there
    return _equal(row) and all(_equal(rows) for rows in _blocks(pixels))


def _blocks(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Give blocks of rows of H W C: what is compared takes as much memory again, and may stop at a difference."""
    step = max(1, _BLOCK_VALUES // pixels[0].size)
    for top in range(0, len(pixels), step):
        yield pixels[top : top + step]


def is_misnamed(name: str, kind: str) -> bool:
    """Return whether the extension of a file is that of another picture format than `kind`.

    Examples:
        >>> is_misnamed("a.png", "JPEG"), is_misnamed("a.JPG", "JPEG"), is_misnamed("a", "JPEG")
        (True, False, False)
    """
    suffix = os.path.splitext(name)[1].lower()
    return suffix in EXTENSIONS and suffix not in _SUFFIXES.get(kind, (suffix,))


def facts_of(decoded: Decoded, name: str) -> tuple[object, ...]:
    """Return one row of FACTS for a picture that was read; `name` of its file, "" where it has none."""
    pixels = decoded.pixels
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
    )


def facts_of_stack(images: NDArray[np.uint8], told: Callable[[int], None] | None = None) -> NDArray[np.void]:
    """Return the rows of FACTS for pictures that are one array, uint8 N H W C; what `facts_of` says of each, faster.

    told: called with how many pictures more are done.
    """
    facts = no_facts(len(images))
    facts["height"], facts["width"] = images.shape[1:3]
    facts["mode"] = facts["format"] = b"array"
    step = max(1, min(_AT_ONCE, _BLOCK_VALUES // images[0].size))
    for start in range(0, len(images), step):
        part = np.ascontiguousarray(images[start : start + step])
        rows = facts[start : start + len(part)]
        rows["digest"] = np.frombuffer(b"".join(_digests(part)), "<u8").reshape(-1, 2)
        if step == 1:
            rows["flat"], rows["color"] = is_flat(part[0]), not is_gray(part[0])
        else:
            rows["flat"] = (part == part[:, :1, :1]).all(axis=(1, 2, 3))
            if part.shape[3] > 1:
                rows["color"] = (part[..., :1] != part[..., 1:3]).any(axis=(1, 2, 3))
        if told is not None:
            told(len(part))
    return facts


def _digests(images: NDArray[np.uint8]) -> Iterator[bytes]:
    """Give what `digest` returns for each picture of a contiguous N H W C."""
    begun = hashlib.blake2b(repr(images.shape[1:]).encode(), digest_size=16)
    area = images[0].size
    data = images.reshape(-1).data
    for start in range(0, len(data), area):
        sums = begun.copy()
        sums.update(data[start : start + area])
        yield sums.digest()


def _equal(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return bool((red == green).all()) and bool((green == blue).all())
