"""Text, profiles and private data in a file are never a reason to refuse good pixels."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.decoder import decode

from .broken_files import encoded, orientation, png_chunk, sample

PNG, JPEG = encoded(sample(), "PNG"), encoded(sample(), "JPEG", quality=95)
LONG = b"x" * 2_000_000
PACKED = zlib.compress(LONG)
EXIF = orientation(6)[6:]  # a quarter turn


def _png(*chunks: bytes, at: int = 33) -> bytes:
    return PNG[:at] + b"".join(chunks) + PNG[at:]


def _wrong(chunk: bytes) -> bytes:
    """Return a chunk with a wrong checksum."""
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


def _jpeg(*segments: tuple[int, bytes], at: int = 20) -> bytes:
    parts = (b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
    return JPEG[:at] + b"".join(parts) + JPEG[at:]


PNGS = {
    "zTXt of 2 MB": _png(png_chunk(b"zTXt", b"Raw profile\0\0" + PACKED)),
    "zTXt behind": _png(png_chunk(b"zTXt", b"Raw profile\0\0" + PACKED), at=len(PNG) - 12),
    "iTXt of 2 MB": _png(png_chunk(b"iTXt", b"K\0\1\0\0\0" + PACKED)),
    "XMP of 2 MB": _png(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + PACKED)),
    "profile of 2 MB": _png(png_chunk(b"iCCP", b"n\0\0" + PACKED)),
    "many texts": _png(*[png_chunk(b"tEXt", b"k%d\0" % number + LONG) for number in range(34)]),
    "method of zTXt": _png(png_chunk(b"zTXt", b"n\0\5" + PACKED)),
    "method of iCCP": _png(png_chunk(b"iCCP", b"n\0\5" + PACKED)),
    "empty iCCP": _png(png_chunk(b"iCCP", b"")),
    "short gAMA": _png(png_chunk(b"gAMA", b"1")),
    "short pHYs": _png(png_chunk(b"pHYs", b"1")),
    "short cHRM": _png(png_chunk(b"cHRM", b"1")),
    "empty sRGB": _png(png_chunk(b"sRGB", b"")),
    "checksum of tEXt": _png(_wrong(png_chunk(b"tEXt", b"k\0v"))),
    "checksum of eXIf": _png(_wrong(png_chunk(b"eXIf", EXIF))),
    "checksum of a private chunk": _png(_wrong(png_chunk(b"prVt", b"data"))),
    "EXIF of 2 MB": _png(png_chunk(b"eXIf", b"II*\0" + LONG), png_chunk(b"zTXt", b"n\0\5")),
}
JPEGS = {
    "comments": _jpeg(*[(0xFE, b"c" * 60_000)] * 50),
    "cut profile": _jpeg((0xE2, b"ICC_PROFILE\0")),
    "cut JFIF": _jpeg((0xE0, b"JFIF")),
    "cut mark of Adobe": _jpeg((0xEE, b"Adobe")),
    "odd list of previews": _jpeg((0xE2, b"MPF\0junkjunkjunk")),
    "cut Photoshop block": _jpeg((0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0")),
    "odd EXIF": _jpeg((0xE1, b"Exif\0\0junkjunk"), (0xE2, b"ICC_PROFILE\0")),
}


@pytest.mark.parametrize("name", PNGS)
def test_a_png_is_read_whatever_its_extras(name: str, tmp_path: Path) -> None:
    assert np.array_equal(decode(PNGS[name]).pixels, sample())
    (tmp_path / "x.png").write_bytes(PNGS[name])
    assert np.array_equal(decode(tmp_path / "x.png").pixels, sample())


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_is_read_whatever_its_extras(name: str) -> None:
    assert np.array_equal(decode(JPEGS[name]).pixels, decode(JPEG).pixels)


@pytest.mark.parametrize(
    "data",
    [
        encoded(sample(), "WEBP", lossless=True, xmp=LONG, exif=b"Exif\0\0junk", icc_profile=b"junk"),
        encoded(sample(), "TIFF", tiffinfo={270: LONG.decode(), 65000: LONG.decode(), 34675: LONG, 700: LONG}),
    ],
    ids=["webp", "tiff"],
)
def test_other_formats_are_read_whatever_their_extras(data: bytes) -> None:
    assert np.array_equal(decode(data).pixels, sample())


def test_how_the_image_is_turned_stays_known() -> None:
    turned = np.rot90(sample(), -1)
    long = png_chunk(b"zTXt", b"n\0\0" + PACKED)
    exif = b"\nexif\n%8d\n" % (len(EXIF) + 6) + (b"Exif\0\0" + EXIF).hex().encode()
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    for chunk in (
        png_chunk(b"eXIf", EXIF),
        png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(exif)),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
    ):
        assert np.array_equal(decode(_png(chunk)).pixels, turned)
        assert np.array_equal(decode(_png(long, chunk)).pixels, turned)
    jpeg = _jpeg((0xE2, b"ICC_PROFILE\0"), (0xE1, b"Exif\0\0" + EXIF))
    assert decode(jpeg).pixels.shape == (36, 24, 3)


def test_what_the_pixels_need_is_kept() -> None:
    rgb = Image.fromarray(sample())
    palette = encoded(rgb.quantize(16), "PNG", transparency=bytes(range(16)))
    long = png_chunk(b"zTXt", b"n\0\0" + PACKED)
    assert np.array_equal(decode(palette[:33] + long + palette[33:]).pixels, decode(palette).pixels)
    animated = encoded(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)])
    assert decode(animated[:33] + long + animated[33:]).animated
    inks = encoded(rgb.convert("CMYK"), "JPEG")
    assert np.array_equal(
        decode(inks[:2] + _jpeg((0xE2, b"ICC_PROFILE\0"))[20:36] + inks[2:]).pixels, decode(inks).pixels
    )


def test_damaged_pixels_stay_damaged() -> None:
    data = bytearray(PNGS["zTXt of 2 MB"])
    data[-600:-580] = bytes(20)
    with pytest.raises(UnreadableImageError, match="damaged|cut off"):
        decode(bytes(data))
    with pytest.raises(UnreadableImageError, match="cut off|damaged"):
        decode(PNGS["zTXt of 2 MB"][:-200])


def test_the_limits_of_pillow_stay_what_they_are() -> None:
    before = PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY
    decode(PNGS["zTXt of 2 MB"])
    assert before == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)
    with pytest.raises(ValueError, match="too large"):
        Image.open(io.BytesIO(PNGS["zTXt of 2 MB"]))


def test_the_limit_of_pixels_holds_for_what_is_tried_again() -> None:
    with pytest.raises(UnreadableImageError, match="more than the limit of 100"):
        decode(PNGS["zTXt of 2 MB"], limit_pixels=100)
