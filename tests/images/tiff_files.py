"""TIFF files of any kind, written by the letter of the format, for what no library writes."""

import struct
import zlib

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(
    values: np.ndarray,
    *,
    photometric: int = 1,
    extra: tuple[int, ...] = (),
    planar: bool = False,
    deflated: bool = False,
    tile: int = 0,
    rows: int = 7,
    big: bool = False,
    order: str = "<",
    tags: dict[int, int | tuple[int, ...]] | None = None,
) -> bytes:
    """Return the file of one image H W C in strips of `rows` or square tiles; `tags` are added or replaced."""
    height, width, channels = values.shape
    kind = values.dtype.newbyteorder(order)
    planes = [values[..., [channel]] for channel in range(channels)] if planar else [values]
    down, across = (tile, tile) if tile else (rows, width)
    parts = []
    for plane in planes:
        for top in range(0, height, down):
            for left in range(0, width, across):
                part = plane[top : top + down, left : left + across]
                if tile:
                    part = np.pad(part, ((0, tile - part.shape[0]), (0, tile - part.shape[1]), (0, 0)))
                data = part.astype(kind).tobytes()
                parts.append(zlib.compress(data) if deflated else data)
    start = 16 if big else 8
    places = (start + np.cumsum([0, *map(len, parts)]))[:-1].tolist()
    found: dict[int, int | tuple[int, ...]] = {
        256: width, 257: height, 258: (kind.itemsize * 8,) * channels, 259: 8 if deflated else 1, 262: photometric,
        277: channels, 284: 2 if planar else 1, 339: (_KINDS[kind.kind],) * channels,
    }  # fmt: skip
    found |= {322: tile, 323: tile} if tile else {278: rows}
    found |= {324 if tile else 273: tuple(places), 325 if tile else 279: tuple(map(len, parts))}
    found |= ({338: extra} if extra else {}) | (tags or {})
    body = b"".join(parts)
    return _header(order, big, start + len(body)) + body + _directory(order, big, start + len(body), found)


def _header(order: str, big: bool, place: int) -> bytes:
    letters = b"II" if order == "<" else b"MM"
    return letters + (struct.pack(f"{order}HHHQ", 43, 8, 0, place) if big else struct.pack(f"{order}HI", 42, place))


def _directory(order: str, big: bool, place: int, tags: dict[int, int | tuple[int, ...]]) -> bytes:
    word, head, size, inline = ("Q", "Q", 20, 8) if big else ("I", "H", 12, 4)
    entries, behind = b"", b""
    after = place + struct.calcsize(f"={head}") + size * len(tags) + inline
    for tag, value in sorted(tags.items()):
        many = value if isinstance(value, tuple) else (value,)
        data = struct.pack(f"{order}{len(many)}I", *many)
        if len(data) > inline:
            behind, data = behind + data, struct.pack(f"{order}{word}", after + len(behind))
        entries += struct.pack(f"{order}HH{word}", tag, 4, len(many)) + data.ljust(inline, b"\0")
    return struct.pack(f"{order}{head}", len(tags)) + entries + bytes(inline) + behind
