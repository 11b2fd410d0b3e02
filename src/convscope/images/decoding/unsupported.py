"""Unsupported kinds of images in supported formats: they are named, because they are not damaged."""

import os
import re
import struct
from typing import BinaryIO

from PIL import Image, ImageFile, TiffImagePlugin

from .decoder_messages import TIFF_STARTS
from .tiff_tags import TiffTags, read_tags

_PIXMAPS = {b"PF": "floats in color", b"P7": "PAM", b"PH": "half floats in color", b"Ph": "half floats"}
PARTLY_USED = "only the first "
"""First words of a remark on unused channels or slices."""

_SAMPLES, _DEPTH = 277, 32997
_BMP_HEADERS = range(16, 65)  # OS/2's may have any length between these
_BMP_METHODS = {
    4: "compressed by JPEG",
    5: "compressed by PNG",
    6: "bit fields with alpha",
    11: "CMYK",
    12: "CMYK",
    13: "CMYK",
}
_BMP_BITS = (2, 64)
_JPEG_FRAMES = {
    0xC0: "", 0xC1: "", 0xC2: "", 0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical",
    0xC9: "", 0xCA: "", 0xCB: "lossless", 0xCD: "hierarchical",
    0xCE: "hierarchical", 0xCF: "hierarchical", 0xF7: "JPEG-LS",
}  # fmt: skip
_JPEG_END, _MOST_SEGMENTS, _TAIL = b"\xff\xd9", 10_000, 64
_NOT_SUPPORTED = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown raw mode|cannot handle"
    r"|not (?:yet )?(?:supported|implemented|available|configured)",
    re.IGNORECASE,
)


def describe_unsupported(stream: BinaryIO, start: bytes, message: str) -> str:
    """Return that a complete file is of an unsupported kind, and which; "" if that is not its problem.

    start: the first bytes. message: of the reader or decoder.
    """
    if start.startswith(TIFF_STARTS):
        return _named("TIFF", _tiff(read_tags(stream), message))
    if start.startswith(b"\x89PNG\r\n\x1a\n") and start[12:16] == b"CgBI":
        return _named("PNG", "made for iPhones, CgBI")
    if start[:2] in _PIXMAPS and start[2:3].isspace():
        return _named("PPM", _PIXMAPS[start[:2]])
    if start.startswith(b"BM") and len(start) >= 34:
        return _named("BMP", _bmp(start, message))
    if start.startswith(b"\xff\xd8\xff"):
        return _named("JPEG", _jpeg(stream))
    return ""


def is_known(tags: TiffTags) -> bool:
    """Return whether Pillow supports TIFF files of this kind."""
    prefix = b"II" if tags.order == "<" else b"MM"
    formats = tags.formats[:1] if len(set(tags.formats)) == 1 else tags.formats
    bits = tags.bits if len(tags.bits) > 1 else tags.bits * tags.samples
    key = (prefix, tags.photometric, formats, tags.fill, bits, tags.extra)
    if tags.planar == 2 and tags.samples > tags.used_channels:
        return False
    return key in TiffImagePlugin.OPEN_INFO and tags.compression in TiffImagePlugin.COMPRESSION_INFO


def _named(name: str, kind: str) -> str:
    return f"it is a {name} of an unsupported kind ({kind})" if kind else ""


def _tiff(tags: TiffTags | None, message: str) -> str:
    unsupported = _NOT_SUPPORTED.search(message) is not None
    return "" if tags is None or (is_known(tags) and not unsupported) else tags.kind


def _bmp(start: bytes, message: str) -> str:
    """Return the unsupported feature of a BMP, "" if there is none."""
    size, _, _, _, bits, method = struct.unpack_from("<IiiHHI", start, 14)
    if size not in (12, 40, 52, 56, 64, 108, 124):
        return f"a header of {size} bytes" if size in _BMP_HEADERS else ""
    if size > 12 and method in _BMP_METHODS:
        return _BMP_METHODS[method]
    if bits in _BMP_BITS:
        return f"{bits} bits per pixel"
    return "bit fields of another order" if "bitfields layout" in message else ""


def _jpeg(stream: BinaryIO) -> str:
    """Return the unsupported feature of a JPEG, "" if there is none or the file is truncated."""
    stream.seek(-min(_TAIL, stream.seek(0, os.SEEK_END)), os.SEEK_END)
    if _JPEG_END not in stream.read():
        return ""
    stream.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            return ""
        if head[1] in _JPEG_FRAMES:
            frame = stream.read(6)
            if len(frame) < 6 or not 2 <= frame[0] <= 16 or not frame[5]:
                return ""
            words = [_JPEG_FRAMES[head[1]]]
            words += [f"{frame[0]} bits"] if frame[0] != 8 else []
            words += [f"{frame[5]} channels"] if frame[5] not in (1, 3, 4) else []
            return ", ".join(filter(None, words))
        stream.seek(struct.unpack(">H", head[2:])[0] - 2, os.SEEK_CUR)
    return ""


def unused(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Return remarks on the channels and slices of a TIFF (opened, not loaded) that Pillow does not read."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return ()
    remarks = []
    read = Image.getmodebands(image.mode)
    for tag, used, noun in ((_SAMPLES, read, "channels"), (_DEPTH, 1, "slices")):
        number = image.tag_v2.get(tag, used)
        if isinstance(number, int) and number > used > 0:
            remarks.append(
                f"{PARTLY_USED}{f'{used} ' if used > 1 else ''}of {number:,} {noun} {'are' if used > 1 else 'is'} used"
            )
    return tuple(remarks)
