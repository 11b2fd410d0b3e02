"""Damage that knows the format of an image file, and changes that do no damage at all."""

import struct
import zlib
from collections.abc import Iterator

from tests.images.broken_files import png_chunk

from .bytewise import Change, damaged
from .cases import Random, pick

_NUMBERS = (0, 1, 2, 3, 5, 7, 8, 15, 16, 24, 32, 64, 255, 256, 32767, 32768, 65535, 1 << 20, 1 << 24, (1 << 31) - 1,
            1 << 31, (1 << 32) - 1)  # fmt: skip


def changes_for(data: bytes) -> tuple[Change, ...]:
    """Return the changes that know the format of a file, found by its first bytes."""
    if data.startswith(b"\x89PNG"):
        return (png_chunks, png_header, png_numbers)
    if data.startswith(b"\xff\xd8"):
        return (jpeg_segments, jpeg_frame)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return (tiff_tags, tiff_tags, tiff_loop)
    if data.startswith(b"GIF8"):
        return (gif_numbers,)
    if data.startswith(b"BM"):
        return (bmp_header,)
    if data.startswith(b"RIFF"):
        return (webp_chunks,)
    if data[:1] == b"P":
        return (pnm_header,)
    return ()


def png_parts(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return type and data of each chunk, as far as they can be read."""
    found, at = [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _png(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in parts)


def png_chunks(data: bytes, random: Random) -> bytes:
    """Drop, repeat, swap, damage or add a chunk, its checksum right."""
    parts = png_parts(data)
    if not parts:
        return data
    at, other = (int(place) for place in random.integers(0, len(parts), 2))
    what = int(random.integers(6))
    if what == 0:
        del parts[at]
    elif what == 1:
        parts.insert(at, parts[other])
    elif what == 2:
        parts[at], parts[other] = parts[other], parts[at]
    elif what == 3:
        parts[at] = (parts[at][0], damaged(parts[at][1], random))
    elif what == 4:
        kind = pick(random, (b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"pHYs",
                             b"cICP", b"sRGB", b"gAMA", b"IDAT", b"IEND", b"xxXX"))  # fmt: skip
        parts.insert(at, (kind, random.bytes(int(pick(random, (0, 1, 4, 26, 300))))))
    else:
        inside = random.bytes(20) + b"\0\0" + zlib.compress(b"x" * int(pick(random, (10, 10_000, 3_000_000))))
        parts.insert(min(1, at), (pick(random, (b"zTXt", b"iCCP", b"iTXt")), inside))
    return _png(parts)


def png_header(data: bytes, random: Random) -> bytes:
    """Change one field of the header, or the pixels within their compression."""
    parts = png_parts(data)
    for at, (kind, body) in enumerate(parts):
        if kind == b"IHDR" and len(body) == 13 and random.integers(3):
            fields = list(struct.unpack(">IIBBBBB", body))
            place = int(random.integers(7))
            fields[place] = pick(random, _NUMBERS) & (0xFFFFFFFF if place < 2 else 0xFF)
            parts[at] = (kind, struct.pack(">IIBBBBB", *fields))
            break
        if kind == b"IDAT":
            try:
                parts[at] = (kind, zlib.compress(damaged(zlib.decompress(body), random)))
            except zlib.error:
                return data
            break
    return _png(parts)


def png_numbers(data: bytes, random: Random) -> bytes:
    """Put an extreme number into a chunk, its checksum right."""
    parts = png_parts(data)
    places = [at for at, (_, body) in enumerate(parts) if len(body) >= 4]
    if not places:
        return data
    at = pick(random, places)
    kind, body = parts[at]
    place = int(random.integers(0, len(body) - 3))
    parts[at] = (kind, body[:place] + struct.pack(">I", pick(random, _NUMBERS)) + body[place + 4 :])
    return _png(parts)


def jpeg_parts(data: bytes) -> list[bytes]:
    """Return the segments before the pixels, and the rest as the last one."""
    found, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append(data[at : at + length])
        at += length
    return [*found, data[at:]]


def jpeg_segments(data: bytes, random: Random) -> bytes:
    """Drop, repeat, swap or damage a segment."""
    parts = jpeg_parts(data)
    at, other = (int(place) for place in random.integers(0, len(parts), 2))
    what = int(random.integers(4))
    if what == 0:
        del parts[at]
    elif what == 1:
        parts.insert(at, parts[other])
    elif what == 2:
        parts[at], parts[other] = parts[other], parts[at]
    else:
        body = damaged(parts[at][4:], random)
        parts[at] = parts[at][:2] + struct.pack(">H", min(65535, len(body) + 2)) + body
    return b"".join(parts)


def jpeg_frame(data: bytes, random: Random) -> bytes:
    """Change size, depth or components of the frame."""
    changed = bytearray(data)
    for at in range(2, len(changed) - 12):
        if changed[at] == 0xFF and changed[at + 1] in (0xC0, 0xC1, 0xC2):
            place = at + 4 + int(random.integers(8))
            changed[place] = pick(random, _NUMBERS) & 0xFF
            if random.integers(2):
                changed[at + 5 : at + 9] = struct.pack(">HH", *(pick(random, _NUMBERS) & 0xFFFF for _ in range(2)))
            break
    return bytes(changed)


def _directory(data: bytes) -> tuple[str, int, list[int]]:
    """Return byte order, place of the first directory of a TIFF file and places of its entries."""
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 8 or data[2:4] in (b"+\0", b"\0+"):
        return order, 0, []
    start = struct.unpack_from(order + "I", data, 4)[0]
    if start + 2 > len(data):
        return order, 0, []
    count = struct.unpack_from(order + "H", data, start)[0]
    return order, start, [at for at in range(start + 2, start + 2 + 12 * count, 12) if at + 12 <= len(data)]


def tiff_tags(data: bytes, random: Random) -> bytes:
    """Change number, type, count or value of a tag."""
    order, _, places = _directory(data)
    if not places:
        return damaged(data, random)
    changed, at = bytearray(data), pick(random, places)
    what = int(random.integers(5))
    if what == 0:
        tags = (254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338,
                339, 347, 530, 34665, 34675, 37724, 700)  # fmt: skip
        struct.pack_into(order + "H", changed, at, pick(random, tags))
    elif what == 1:
        struct.pack_into(order + "H", changed, at + 2, pick(random, (*range(19), 65535)))
    elif what == 2:
        struct.pack_into(order + "I", changed, at + 4, pick(random, _NUMBERS))
    elif what == 3:
        struct.pack_into(order + "I", changed, at + 8, pick(random, (*_NUMBERS, len(data), len(data) - 1)))
    else:
        wide = pick(random, _NUMBERS) & 0xFFFF
        struct.pack_into(order + "H", changed, at + 8, wide)
    return bytes(changed)


def tiff_loop(data: bytes, random: Random) -> bytes:
    """Let a directory be followed by another: itself, the start, or what lies anywhere."""
    order, start, places = _directory(data)
    if not places:
        return damaged(data, random)
    changed, behind = bytearray(data), places[-1] + 12
    if behind + 4 <= len(changed):
        struct.pack_into(order + "I", changed, behind, pick(random, (start, 0, 8, int(random.integers(len(data))))))
    return bytes(changed)


def gif_numbers(data: bytes, random: Random) -> bytes:
    """Change a number of the screen, of a frame or of its first codes."""
    changed = bytearray(data)
    frames = [at for at in range(13, len(data) - 10) if data[at] == 0x2C]
    start = 6 if not frames or random.integers(2) else pick(random, frames[:4]) + 1
    place = start + int(random.integers(10))
    if place + 2 <= len(changed):
        struct.pack_into("<H", changed, place, pick(random, _NUMBERS) & 0xFFFF)
    return bytes(changed)


def bmp_header(data: bytes, random: Random) -> bytes:
    """Change a field of the headers."""
    changed = bytearray(data)
    place = pick(random, (2, 10, 14, 18, 22, 26, 28, 30, 34, 46, 50, 54))
    code = "<H" if place in (26, 28) else "<I"
    if place + 4 <= len(changed):
        struct.pack_into(code, changed, place, pick(random, _NUMBERS) & (0xFFFF if code == "<H" else 0xFFFFFFFF))
    return bytes(changed)


def webp_chunks(data: bytes, random: Random) -> bytes:
    """Change name, length or content of a chunk."""
    changed, at, places = bytearray(data), 12, []
    while at + 8 <= len(data):
        places.append(at)
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little") + 1 & ~1
    if not places:
        return data
    at = pick(random, places)
    what = int(random.integers(3))
    if what == 0:
        changed[at : at + 4] = pick(random, (b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"EXIF", b"XMP "))
    elif what == 1:
        struct.pack_into("<I", changed, at + 4, pick(random, _NUMBERS))
    else:
        place = min(len(changed) - 1, at + 8 + int(random.integers(20)))
        changed[place] = pick(random, _NUMBERS) & 0xFF
    return bytes(changed)


def pnm_header(data: bytes, random: Random) -> bytes:
    """Put another word into the header."""
    head, body = data[:30], data[30:]
    words = head.split(b" ")
    at = int(random.integers(len(words)))
    odd = (b"0", b"-1", b"1e9", b"99999999999999999999", b"65536", b"255", b"NaN", b"", b"#", b"\n", b"3.5", b"\xff")
    words[at] = pick(random, odd)
    return b" ".join(words) + body


def harmless(data: bytes, random: Random) -> bytes | None:
    """Return a file with the same pixels and something else in it, None where no way is known.

    What is added: a private chunk of PNG, a comment or an unknown segment of JPEG, bytes behind the end.
    """
    if data.startswith(b"\x89PNG"):
        parts = png_parts(data)
        size = int(pick(random, (0, 10, 3_000)))
        extra = pick(random, (
            (b"prVt", random.bytes(size)),
            (b"tEXt", b"Comment\0" + b"x" * size),
            (b"zTXt", b"Raw profile\0\0" + zlib.compress(b"x" * pick(random, (10, 2_000_000)))),
            (b"tIME", struct.pack(">HBBBBB", 2020, 1, 1, 1, 1, 1)),
        ))  # fmt: skip
        parts.insert(1, extra)
        return _png(parts)
    if data.startswith(b"\xff\xd8"):
        body = random.bytes(int(random.integers(1, 2_000)))
        return data[:2] + pick(random, (b"\xff\xfe", b"\xff\xec")) + struct.pack(">H", len(body) + 2) + body + data[2:]
    if data.startswith((b"BM", b"GIF8", b"II*\0", b"MM\0*")):
        return data + random.bytes(int(random.integers(1, 300)))
    return None


def all_changes() -> Iterator[Change]:
    """Give every change that knows a format."""
    yield from (png_chunks, png_header, png_numbers, jpeg_segments, jpeg_frame, tiff_tags, tiff_loop, gif_numbers)
    yield from (bmp_header, webp_chunks, pnm_header)
