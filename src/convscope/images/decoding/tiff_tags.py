"""The tags of the first image of a TIFF or BigTIFF file, read without Pillow, and the kind of image they describe."""

import dataclasses
import math
import os
import struct
from typing import BinaryIO, Final

from convscope.core.text import counted

from .decoder_messages import TIFF_STARTS

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL = 256, 257, 258, 259, 262, 266
ORIENTATION = 274
"""The tag of TIFF and EXIF that says how the image is turned."""
ON_ITS_SIDE, FLIPPED_ROWS, FLIPPED_COLUMNS = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
"""Orientations of TIFF and EXIF that exchange rows and columns, and those that then reverse either."""
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 317, 322, 323, 324, 325, 338, 339
_DEPTH = 32997

_TYPES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # of tags that are whole numbers
_MOST_ENTRIES, _MOST_VALUES = 4096, 1 << 20
_COMPRESSIONS = {
    1: "", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "JPEG (the old way)", 7: "JPEG", 8: "Deflate", 9: "JBIG",
    10: "JBIG", 32766: "NeXT", 32767: "a camera's own", 32769: "a camera's own", 32771: "CCITT", 32773: "PackBits",
    32809: "ThunderScan", 32908: "PixarFilm", 32909: "PixarLog", 32946: "Deflate", 33003: "JPEG 2000",
    33004: "JPEG 2000", 33005: "JPEG 2000", 34661: "JBIG", 34676: "SGI LogLuv", 34677: "SGI LogLuv",
    34712: "JPEG 2000", 34713: "a camera's own", 34887: "LERC", 34892: "JPEG (lossy DNG)", 34925: "LZMA",
    34933: "PNG", 34934: "JPEG XR", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_SIMPLE = (1, 5, 8, 32773, 32946)
_FORMATS = {1: "", 2: "signed numbers", 3: "floats", 4: "", 5: "complex numbers", 6: "complex numbers"}
_COLORS = {
    2: "RGB", 3: "a palette", 4: "a mask", 5: "inks", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 10: "ITULAB",
    32803: "a camera's raw mosaic", 32844: "LogL", 32845: "LogLuv", 34892: "a camera's raw values", 51177: "depth",
}  # fmt: skip
_CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TiffTags:
    """Tags of the first directory.

    order: "<" or ">". bits, formats: of each channel (formats: 1 unsigned, 2 signed, 3 floats, 5 and 6 complex).
    extra: meaning of the channels beyond those of `photometric`. rows, columns: of a strip or tile. offsets,
    byte_counts: of the strips or tiles in the file. depth: slices of a volume.
    """

    order: str
    width: int
    height: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    samples: int
    compression: int
    photometric: int
    planar: int
    fill: int
    predictor: int
    orientation: int
    extra: tuple[int, ...]
    rows: int
    columns: int
    tiled: bool
    offsets: tuple[int, ...]
    byte_counts: tuple[int, ...]
    depth: int

    @property
    def kind(self) -> str:
        """Kind of image, in words.

        Examples: "5 channels of 8 bits", "1 channel of 64-bit floats, compressed by LERC".
        """
        words = [f"{counted(self.samples, 'channel')} of {self._values()}"]
        if self.photometric in _COLORS:
            words.append(_COLORS[self.photometric])
        elif self.samples == 2 and self.extra[:1] in ((1,), (2,)):
            words.append("gray and alpha")
        elif self.samples in (3, 4):
            words.append("marked as gray")
        if self.planar == 2 and self.samples > 1:
            words.append("one after another")
        if self.compression not in _SIMPLE:
            words.append(f"compressed by {_COMPRESSIONS.get(self.compression, f'method {self.compression}')}")
        return ", ".join(words)

    def _values(self) -> str:
        if len(set(self.bits)) > 1:
            return f"{', '.join(map(str, self.bits[:8]))} bits"
        kind = _FORMATS[self.formats[0]]
        return f"{self.bits[0]}-bit {kind}" if kind else counted(self.bits[0], "bit")

    @property
    def used_channels(self) -> int:
        """Number of color channels; the others are extra."""
        return min(self.samples, _CHANNELS.get(self.photometric, self.samples))


def read_tags(stream: BinaryIO) -> TiffTags | None:
    """Return the tags of the first image; None if the file is not a TIFF, truncated, or damaged by its tags.

    In a complete file every strip or tile is within the file, and their number fits the size. Only the tags are read,
    at most a few megabytes.
    """
    try:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        order_and_tags = _tags(stream)
        tags = None if order_and_tags is None else _as_tiff_tags(*order_and_tags)
    except (OSError, ValueError, LookupError, struct.error, OverflowError, MemoryError):
        return None
    return tags if tags is not None and _is_complete(tags, size) else None


def _tags(stream: BinaryIO) -> tuple[str, dict[int, tuple[int, ...]]] | None:
    """Return the byte order and the integer tags."""
    start = stream.read(16)
    if not start.startswith(TIFF_STARTS):
        return None
    order = "<" if start[:2] == b"II" else ">"
    big = start[2:4] in (b"+\0", b"\0+")
    word, entry, inline = ("Q", struct.Struct(f"{order}HHQ8s"), 8) if big else ("I", struct.Struct(f"{order}HHI4s"), 4)
    (offset,) = struct.unpack_from(order + word, start, 8 if big else 4)
    stream.seek(offset)
    head = "Q" if big else "H"
    (count,) = struct.unpack(order + head, stream.read(struct.calcsize(order + head)))
    if not 0 < count <= _MOST_ENTRIES:
        return None
    directory = stream.read(count * entry.size)
    tags = {}
    for tag, kind, number, value in entry.iter_unpack(directory[: len(directory) // entry.size * entry.size]):
        if kind not in _TYPES or not 0 < number <= _MOST_VALUES:
            continue
        values = struct.Struct(f"{order}{number}{_TYPES[kind]}")
        if values.size > inline:
            stream.seek(struct.unpack(order + word, value)[0])
            value = stream.read(values.size)  # noqa: PLW2901  # the entry holds its offset
        tags[tag] = values.unpack_from(value)
    return order, tags


def _as_tiff_tags(order: str, tags: dict[int, tuple[int, ...]]) -> TiffTags:
    def first(tag: int, default: int) -> int:
        return tags.get(tag, (default,))[0]

    samples, (height, width) = first(_SAMPLES, 1), (tags[_HEIGHT][0], tags[_WIDTH][0])
    tiled = _TILES in tags
    bits, formats = tags.get(_BITS, (1,)), tags.get(_FORMAT, (1,))
    return TiffTags(
        order=order,
        width=width,
        height=height,
        samples=samples,
        bits=bits[:samples] if len(bits) > 1 else bits,
        formats=formats,
        compression=first(_COMPRESSION, 1),
        photometric=first(_PHOTOMETRIC, 0),
        planar=first(_PLANAR, 1),
        fill=first(_FILL, 1),
        predictor=first(_PREDICTOR, 1),
        orientation=first(ORIENTATION, 1),
        extra=tags.get(_EXTRA, ()),
        rows=tags[_TILE_HEIGHT][0] if tiled else min(first(_ROWS, height), height),
        columns=tags[_TILE_WIDTH][0] if tiled else width,
        tiled=tiled,
        offsets=tags[_TILES if tiled else _STRIPS],
        byte_counts=tags[_TILE_BYTES if tiled else _STRIP_BYTES],
        depth=first(_DEPTH, 1),
    )


def _is_complete(tags: TiffTags, size: int) -> bool:
    if not (tags.width and tags.height and tags.rows and tags.columns and 0 < tags.samples <= 65535):
        return False
    if tags.photometric not in {*_COLORS, *_CHANNELS} or tags.planar not in (1, 2):
        return False
    if not all(0 < bits <= 128 for bits in tags.bits) or not all(kind in _FORMATS for kind in tags.formats):
        return False
    down, across = math.ceil(tags.height / tags.rows), math.ceil(tags.width / tags.columns)
    tiles = down * across * tags.depth * (tags.samples if tags.planar == 2 else 1)
    ends = (offset + byte_count for offset, byte_count in zip(tags.offsets, tags.byte_counts, strict=False))
    together = 1 if tags.planar == 2 else tags.samples
    bits = tags.columns * (tags.bits[0] * together if len(tags.bits) == 1 else sum(tags.bits[:together]))
    rows = min(tags.rows, tags.height - (down - 1) * tags.rows) if not tags.tiled else tags.rows  # of the last strip
    least = rows * ((bits + 7) // 8) if tags.compression == 1 else 1
    return (
        len(tags.offsets) == len(tags.byte_counts) >= tiles
        and all(end <= size for end in ends)
        and min(tags.byte_counts) >= least
    )
