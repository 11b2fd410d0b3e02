"""An image file without its metadata, for files that Pillow refuses because of it."""

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_PNG_LAST = b"IEND"
_TURNING_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # of PNG: may contain the orientation
_JPEG_NEEDED = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0\0", 14), 0xEE: (b"Adobe", 12)}
"""Private segments of JPEG that are needed: their first bytes and least length."""
_JPEG_COMMENT, _JPEG_SCAN = 0xFE, 0xDA
_MOST_TEXT = 1 << 16  # bytes of a text that may contain the orientation
_MOST_INFLATED = 1 << 20
_MOST_BYTES = 1 << 30  # of a file that is tried again without metadata
_MOST_CHUNKS = 1 << 20


def without_metadata(stream: BinaryIO, start: bytes) -> io.BytesIO | None:
    """Return a PNG or JPEG file without text, comments, profiles and private data; None if there are none.

    Pillow refuses some files because of these (a text of megabytes, a wrong checksum, an odd preview), although their
    pixels are good. EXIF and XMP, which may contain the orientation, stay if they are complete and small. Other damage
    stays.
    """
    parts = {b"\x89P": _png_parts, b"\xff\xd8": _jpeg_parts}.get(start[:2])
    size = stream.seek(0, os.SEEK_END)
    if parts is None or size > _MOST_BYTES:
        return None
    stream.seek(0)
    rest = io.BytesIO()
    for part in parts(stream):
        rest.write(part)
    if rest.tell() == size:
        return None
    rest.seek(0)
    return rest


def _png_parts(stream: BinaryIO) -> Iterator[bytes]:
    yield stream.read(len(_PNG))
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            yield head
            return
        length, kind = struct.unpack(">I4s", head)
        if kind in _PNG_NEEDED or kind[:1].isupper() or not kind.isalpha():  # a capital: needed for the pixels
            yield head
            yield stream.read(length + 4)
        elif kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt") and length <= _MOST_TEXT:
            rest = stream.read(length + 4)
            if _turns(kind, rest[:length]) and rest[length:] == struct.pack(">I", zlib.crc32(kind + rest[:length])):
                yield head + rest
        else:
            stream.seek(length + 4, os.SEEK_CUR)
        if kind == _PNG_LAST or not kind.isalpha():
            break
    yield stream.read()


def _jpeg_parts(stream: BinaryIO) -> Iterator[bytes]:
    yield stream.read(2)
    for _ in range(_MOST_CHUNKS):
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xFF, _JPEG_SCAN) or 0xD0 <= head[1] <= 0xD9:
            yield head
            break
        marker, length = head[1], max(0, struct.unpack(">H", head[2:])[0] - 2)
        data = stream.read(length)
        begin, least = _JPEG_NEEDED.get(marker, (b"", 0))
        private = 0xE0 <= marker <= 0xEF and marker not in _JPEG_NEEDED
        if marker == _JPEG_COMMENT or private or not data.startswith(begin) or len(data) < least:
            continue
        yield head + data
    yield stream.read()


def _turns(kind: bytes, data: bytes) -> bool:
    """Return whether a chunk of PNG may say how the image is turned, and does not inflate beyond a megabyte."""
    if kind == b"eXIf":
        return True
    if not data.startswith(_TURNING_TEXTS):
        return False
    packed = data.partition(b"\0")[2].lstrip(b"\0\1") if kind != b"tEXt" else b""
    with contextlib.suppress(zlib.error):
        inflating = zlib.decompressobj()
        inflating.decompress(packed, _MOST_INFLATED)
        return not inflating.unconsumed_tail
    return True
