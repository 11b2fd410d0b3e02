"""The layout of a BigTIFF whose tiles are filled in place: every byte has its place before the first tile is computed.

Written front to back, a TIFF that was cut off cannot be read: its directory comes last. Here it comes first. Tiles that
are not yet there are holes, which read as zeros.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

DESCRIPTION_BYTES = 1 << 16
"""Room for the description, which is rewritten at the end."""
_SHORT, _LONG, _RATIONAL, _ASCII, _DOUBLE, _LONG8 = 3, 4, 5, 2, 12, 16
_PACK = {_SHORT: "H", _LONG: "I", _DOUBLE: "d", _LONG8: "Q"}
_GEO = {33550: _DOUBLE, 33922: _DOUBLE, 34264: _DOUBLE, 34735: _SHORT, 34736: _DOUBLE, 34737: _ASCII}


@dataclass(frozen=True, kw_only=True)
class TileLayout:
    """Where everything of the file lies.

    Attributes:
        head: all bytes before the tiles.
        description: offset of the description, in a TIFF.
        first: offset of the first tile.
        tile_bytes: bytes of a tile.
        total: bytes of the file.
    """

    head: bytearray
    description: int
    first: int
    tile_bytes: int
    total: int


def tiff_layout(
    shape: tuple[int, int, int], dtype: str, tile: int, *, tags: Mapping[int, Any] | None = None
) -> TileLayout:
    """Return the layout of rows × columns × bands in square tiles.

    Args:
        shape: rows, columns, bands.
        dtype: of a band.
        tile: its side, a multiple of 16.
        tags: resolution (282, 283, 296), position (286, 287) and GeoTIFF tags.
    """
    rows, columns, bands = shape
    kind = np.dtype(dtype)
    count = -(-rows // tile) * -(-columns // tile)
    tile_bytes = tile * tile * bands * kind.itemsize
    entries: dict[int, tuple[int, Any]] = {
        256: (_LONG, [columns]),
        257: (_LONG, [rows]),
        258: (_SHORT, [8 * kind.itemsize] * bands),
        259: (_SHORT, [1]),  # no compression
        262: (_SHORT, [1]),  # 0 is black
        270: (_ASCII, b"\0" * DESCRIPTION_BYTES),
        277: (_SHORT, [bands]),
        284: (_SHORT, [1]),  # the bands of a position lie together
        305: (_ASCII, b"convscope\0"),
        322: (_LONG, [tile]),
        323: (_LONG, [tile]),
        324: (_LONG8, np.zeros(count, "<u8")),
        325: (_LONG8, np.full(count, tile_bytes, "<u8")),
        339: (_SHORT, [3 if kind.kind == "f" else 1] * bands),
    }
    if bands > 1:
        entries[338] = (_SHORT, [0] * (bands - 1))
    for code, value in (tags or {}).items():
        entries[code] = _entry(code, value)
    placed = _placed(entries)
    first = -(-placed[1] // 4096) * 4096
    entries[324] = (_LONG8, first + np.arange(count, dtype="<u8") * np.uint64(tile_bytes))
    head, places = _written(entries, first)
    return TileLayout(
        head=head,
        description=places[270],
        first=first,
        tile_bytes=tile_bytes,
        total=first + count * tile_bytes,
    )


def _entry(code: int, value: Any) -> tuple[int, Any]:
    if code in (282, 283, 286, 287):
        return _RATIONAL, value
    kind = _GEO.get(code, _SHORT)
    if kind == _ASCII:
        text = value.encode("ascii", "replace") if isinstance(value, str) else bytes(value)
        return _ASCII, text.rstrip(b"\0") + b"\0"
    return kind, list(value) if isinstance(value, (tuple, list)) else [value]


def _bytes(kind: int, value: Any) -> tuple[int, Any]:
    """Return count and bytes of the values of a tag."""
    if isinstance(value, np.ndarray):
        return len(value), value.data.cast("B")
    if kind == _ASCII:
        return len(value), value
    if kind == _RATIONAL:
        exact = Fraction(value).limit_denominator(1_000_000)
        return 1, struct.pack("<II", exact.numerator, exact.denominator)
    return len(value), struct.pack(f"<{len(value)}{_PACK[kind]}", *value)


def _placed(entries: Mapping[int, tuple[int, Any]]) -> tuple[dict[int, int], int]:
    """Return the offset of the values of each tag, and of what follows."""
    offset = 16 + 8 + 20 * len(entries) + 8
    places = {}
    for code in sorted(entries):
        size = len(_bytes(*entries[code])[1])
        if size > 8:
            offset = -(-offset // 8) * 8
            places[code] = offset
            offset += size
    return places, offset


def _written(entries: Mapping[int, tuple[int, Any]], size: int) -> tuple[bytearray, dict[int, int]]:
    places, _ = _placed(entries)
    head = bytearray(size)
    struct.pack_into("<2sHHHQQ", head, 0, b"II", 43, 8, 0, 16, len(entries))
    for index, code in enumerate(sorted(entries)):
        kind = entries[code][0]
        count, data = _bytes(*entries[code])
        at = 24 + 20 * index
        struct.pack_into("<HHQ", head, at, code, kind, count)
        if code in places:
            struct.pack_into("<Q", head, at + 12, places[code])
            head[places[code] : places[code] + len(data)] = data
        else:
            head[at + 12 : at + 12 + len(data)] = data
    return head, places


def read_description(path: Path) -> str | None:
    """Return the description of a BigTIFF that was laid out here; None of any other file."""
    try:
        with path.open("rb") as stream:
            magic, version, _, _, directory, count = struct.unpack("<2sHHHQQ", stream.read(24))
            if (magic, version, directory) != (b"II", 43, 16) or count > 100:
                return None
            for code, kind, size, offset in struct.iter_unpack("<HHQQ", stream.read(20 * count)):
                if (code, kind) == (270, _ASCII) and size == DESCRIPTION_BYTES:
                    stream.seek(offset)
                    return stream.read(size).rstrip(b"\0").decode("utf-8", "replace")
    except (OSError, struct.error):
        return None
    return None
