"""Good image files to damage, all made by code: every format that is read, and the odder corners of each."""

import functools
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, PngImagePlugin

from tests.images.broken_files import encoded, good_files, odd_files, orientation, png_chunk, sample

_TYPES = {"B": 1, "s": 2, "H": 3, "I": 4, "d": 12, "Q": 16}
_SAMPLES = {"u": 1, "i": 2, "f": 3, "c": 6}


@functools.cache
def image_files() -> dict[str, bytes]:
    """Return good files by name."""
    return good_files() | odd_files() | _tiff_files() | _png_files() | _other_files()


@functools.cache
def usable_files() -> frozenset[str]:
    """Return the names of files that must be read: no odd type of number, no pixel without a value."""
    odd = {"nan.tif", "lab.tif", "wider.tif", "five.tif", "half.tif", "double.tif", "complex.tif", "signed8.tif"}
    odd |= {"signed16.tif", "rgbfloat.tif", "rgb16.tif", "two.tif", "planes.tif", "big.tif", "gray-alpha16.tif"}
    return frozenset(image_files()) - odd


def tiff(
    pixels: np.ndarray, *, order: str = "<", planar: bool = False, big: bool = False, tags: Mapping[int, Sequence] = {}
) -> bytes:
    """Return a TIFF file without compression of any type of number and any channels, which Pillow would not write.

    Args:
        pixels: H W or H W C.
        order: ``<`` or ``>``, of bytes.
        planar: one plane a channel.
        big: a BigTIFF, with lengths of 64 bits.
        tags: further tags, numbers of 16 bits each, or other values of tags that are there.
    """
    stack = pixels[:, :, None] if pixels.ndim == 2 else pixels
    height, width, channels = stack.shape
    data = (stack.transpose(2, 0, 1) if planar else stack).astype(stack.dtype.newbyteorder(order)).tobytes()
    head, word, count = (16, "Q", "Q") if big else (8, "I", "H")
    strips = channels if planar else 1
    entries: dict[int, tuple[str, Sequence]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [stack.dtype.itemsize * 8] * channels),
        259: ("H", [1]),
        262: ("H", [2 if channels >= 3 else 1]),
        273: (word, [head + number * len(data) // strips for number in range(strips)]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: (word, [len(data) // strips] * strips),
        284: ("H", [2 if planar else 1]),
        339: ("H", [_SAMPLES[stack.dtype.kind]] * channels),
    }
    entries |= {tag: ("H", list(values)) for tag, values in tags.items()}
    data += b"\0" * (-len(data) % 8)
    where = head + len(data)
    wide = struct.calcsize(word)
    body, extra = b"", b""
    behind = where + struct.calcsize(count) + len(entries) * (4 + 2 * wide) + wide
    for tag, (code, values) in sorted(entries.items()):
        raw = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(raw) > wide:
            field, extra = struct.pack(order + word, behind + len(extra)), extra + raw + b"\0" * (-len(raw) % 8)
        else:
            field = raw.ljust(wide, b"\0")
        body += struct.pack(f"{order}HH{word}", tag, _TYPES[code], len(values)) + field
    start = b"II" if order == "<" else b"MM"
    start += struct.pack(order + "HHHQ", 43, 8, 0, where) if big else struct.pack(order + "HI", 42, where)
    return start + data + struct.pack(order + count, len(entries)) + body + struct.pack(order + word, 0) + extra


def _tiff_files() -> dict[str, bytes]:
    rgb, gray = sample(), sample()[:, :, 0]
    part = gray / 255
    image = Image.fromarray(rgb)
    files = {
        "inverted.tif": tiff(gray, tags={262: [0]}),
        "inverted16.tif": tiff(gray.astype("u2") * 257, tags={262: [0]}),
        "signed8.tif": tiff((gray.astype("i2") - 128).astype("i1")),
        "signed16.tif": tiff(gray.astype("i2") * 100 - 9000),
        "double.tif": tiff(part),
        "half.tif": tiff(part.astype("f2")),
        "complex.tif": tiff(part.astype("c8")),
        "beyond.tif": tiff((part * 1.05).astype("f4")),
        "rgbfloat.tif": tiff((rgb / 255).astype("f4")),
        "rgb16.tif": tiff(rgb.astype("u2") * 257),
        "rgb-turned.tif": tiff(rgb, order=">", tags={274: [6]}),
        "two.tif": tiff(rgb[:, :, :2], tags={338: [0]}),
        "five.tif": tiff(np.dstack([rgb, rgb[:, :, :2]])),
        "gray-alpha16.tif": tiff(rgb[:, :, :2].astype("u2") * 257, tags={338: [2]}),
        "planes.tif": tiff(rgb, planar=True),
        "big.tif": tiff(rgb, big=True),
        "motorola16.tif": tiff(gray.astype("u2") * 257, order=">"),
        "twelve.tif": tiff(gray.astype("u2") * 16),
    }
    for name in ("tiff_lzw", "packbits", "jpeg", "tiff_adobe_deflate"):
        files[f"{name}.tif"] = encoded(image, "TIFF", compression=name)
    files["group3.tif"] = encoded(image.convert("1"), "TIFF", compression="group3")
    files["predicted.tif"] = encoded(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    files["palette.tif"] = encoded(image.quantize(16), "TIFF")
    files["alpha.tif"] = encoded(image.convert("RGBA"), "TIFF")
    files["strips.tif"] = encoded(image, "TIFF", compression="tiff_deflate", tiffinfo={278: 3})
    return files


def _png_files() -> dict[str, bytes]:
    image = Image.fromarray(sample())
    plain = encoded(image, "PNG")
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * 300, zip=True)
    info.add_itxt("Title", "ä" * 30, "de", "Titel", zip=True)
    clear = image.copy()
    return {
        "texts.png": encoded(image, "PNG", pnginfo=info, dpi=(300, 300), exif=orientation(3)),
        "profile.png": encoded(image, "PNG", icc_profile=b"not a real profile" * 20),
        "key.png": encoded(clear, "PNG", transparency=(255, 0, 120)),
        "two-bits.png": encoded(image.quantize(4), "PNG", bits=2),
        "interlaced.png": _interlaced(sample()[:, :, 0]),
        "gamma.png": plain[:33] + png_chunk(b"gAMA", struct.pack(">I", 45455)) + plain[33:],
        "rgb16.png": _png16(sample()),
    }


def _png16(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    rows = (pixels.astype(">u2") * 257).reshape(height, -1)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def _interlaced(gray: np.ndarray) -> bytes:
    """Return a gray PNG in the seven passes of Adam7, which Pillow reads and does not write."""
    height, width = gray.shape
    lines = b""
    for top, left, down, right in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
    ):  # fmt: skip
        lines += b"".join(b"\0" + row.tobytes() for row in gray[top::down, left::right] if row.size)
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def _other_files() -> dict[str, bytes]:
    image = Image.fromarray(sample())
    gray = image.convert("L")
    high, wide = 24, 36
    rle = b"".join(bytes([wide, row]) + b"\0\0" for row in range(high)) + b"\0\1"  # one run a row
    palette = b"".join(bytes([n, n, n, 0]) for n in range(256))
    head = struct.pack("<IiiHHIIiiII", 40, wide, high, 1, 8, 1, len(rle), 0, 0, 256, 0)
    floats = (sample()[::-1, :, 0] / 255).astype("<f4").tobytes()
    return {
        "exif.jpg": encoded(image, "JPEG", exif=orientation(6), quality=70, comment=b"a comment"),
        "halved.jpg": encoded(image, "JPEG", pooling=2, optimize=True),
        "restarts.jpg": encoded(image, "JPEG", restart_marker_rows=1),
        "large.jpg": encoded(Image.fromarray(sample(240, 360)), "JPEG", quality=80),
        "two.mpo": encoded(image, "MPO", save_all=True, append_images=[image]),
        "exif.webp": encoded(image, "WEBP", exif=orientation(8), quality=40),
        "palette.bmp": encoded(image.quantize(16), "BMP"),
        "gray.bmp": encoded(gray, "BMP"),
        "bits.bmp": encoded(gray.convert("1"), "BMP"),
        "runs.bmp": struct.pack("<2sIHHI", b"BM", 14 + 40 + 1024 + len(rle), 0, 0, 14 + 40 + 1024)
        + head
        + palette
        + rle,
        "clear.gif": encoded(image.quantize(8), "GIF", transparency=2, interlace=1),
        "comment.gif": encoded(image, "GIF", comment=b"a comment", save_all=True, append_images=[gray], loop=0),
        "plain.pgm": b"P2\n# a comment\n3 2\n15\n" + b" ".join(str(number).encode() for number in range(6)) + b"\n",
        "plain.pbm": b"P1\n3 2\n1 0 1\n0 1 0\n",
        "wide.ppm": b"P6 36 24 65535\n" + (sample().astype(">u2") * 257).tobytes(),
        "float.pfm": b"Pf\n36 24\n-1.0\n" + floats,
    }
