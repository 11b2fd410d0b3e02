"""Whole files of kinds that are not read are named, not called damaged; Python's own words are in no reason."""

import struct
import zlib

import numpy as np
import pytest

from convscope.core.errors import UnreadableImageError
from convscope.images.checks import kind_of
from convscope.images.decoding.damage import describe_foreign, image_format
from convscope.images.decoding.decoder import decode
from convscope.images.decoding.decoder_messages import TIFF_STARTS

from .broken_files import broken_files, encoded, png_chunk, sample


def _bmp(bits: int = 24, method: int = 0, header: int = 40, masks: bytes = b"") -> bytes:
    rest = struct.pack("<iiHHIIiiII", 4, 4, 1, bits, method, 0, 0, 0, 0, 0)[: header - 4].ljust(header - 4, b"\0")
    pixels = bytes(4 * 4 * max(1, bits // 8))
    place = 14 + header + len(masks)
    body = struct.pack("<I", header) + rest + masks + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, place) + body


def _jpeg(frame: int, bits: int, channels: int) -> bytes:
    data = struct.pack(">BHHB", bits, 8, 8, channels) + b"\1\x11\0" * channels
    segment = b"\xff" + bytes([frame]) + struct.pack(">H", len(data) + 2) + data
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + segment + b"\xff\xda\0\4\0\0" + bytes(40) + b"\xff\xd9"


KINDS = {
    "BMP of an unsupported kind (64 bits per pixel)": _bmp(bits=64),
    "BMP of an unsupported kind (2 bits per pixel)": _bmp(bits=2),
    "BMP of an unsupported kind (compressed by JPEG)": _bmp(method=4),
    "BMP of an unsupported kind (compressed by PNG)": _bmp(method=5),
    "BMP of an unsupported kind (CMYK)": _bmp(method=11, bits=32),
    "BMP of an unsupported kind (a header of 16 bytes)": _bmp(header=16),
    "BMP of an unsupported kind (bit fields of another order)": _bmp(16, 3, masks=struct.pack("<3I", 15, 240, 3840)),
    "JPEG of an unsupported kind (12 bits)": _jpeg(0xC1, 12, 3),
    "JPEG of an unsupported kind (lossless, 16 bits)": _jpeg(0xC3, 16, 1),
    "JPEG of an unsupported kind (hierarchical)": _jpeg(0xC5, 8, 3),
    "JPEG of an unsupported kind (JPEG-LS)": _jpeg(0xF7, 8, 1),
    "JPEG of an unsupported kind (2 channels)": _jpeg(0xC0, 8, 2),
    "PNG of an unsupported kind (made for iPhones, CgBI)": b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"CgBI", b"\x50\0\x20\2")
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 6, 0, 0, 0))
    + png_chunk(b"IDAT", zlib.compress(bytes(9 * 37))[2:-4])  # without the header of zlib
    + png_chunk(b"IEND", b""),
    "PPM of an unsupported kind (floats in color)": b"PF\n1 1\n-1.0\n" + bytes(12),
    "PPM of an unsupported kind (PAM)": b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n\0",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_of_a_kind_not_read_is_named(kind: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        decode(KINDS[kind])
    assert str(caught.value) == f"it is a {kind}"
    assert kind_of(str(caught.value)) == "unsupported"


@pytest.mark.parametrize(
    "data",
    [
        _bmp(bits=77),
        _bmp(method=99),
        _bmp(header=999),
        _jpeg(0xC1, 12, 3)[:-2],
        _jpeg(0xC0, 99, 3),
        _jpeg(0xC0, 8, 0),
        b"PF",
        b"P7garbage",
    ],
)
def test_what_is_of_no_kind_stays_damaged(data: bytes) -> None:
    with pytest.raises(UnreadableImageError, match="damaged|cut off|not an image"):
        decode(data)


WORDS = ("literal", "unpack", "codec can't", "NoneType", "subscript", "object", "argument", "Errno", "<", "__", "byte ")


def test_no_reason_holds_words_of_python() -> None:
    heads = {
        "PPM": [
            b"P5 x 1 255 ",
            b"P5 1 1 q ",
            b"P2 1 1 255 zz",
            b"P3 1 1 255 300 1 1",
            b"P6 -3 1 255 ",
            b"Pf 1 1 x ",
            b"P5 1 1 0 ",
        ],
        "GIF": [b"GIF89a" + bytes([255] * 40), b"GIF87a\1\0\1\0\0\0\0,"],
        "WebP": [b"RIFF\x20\0\0\0WEBPVP8 " + bytes(40)],
        "TIFF": [b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\0\1"],
    }
    data = [head + bytes(20) for some in heads.values() for head in some] + list(broken_files().values())
    random = np.random.default_rng(3)
    for good in [encoded(sample(), kind) for kind in ("PNG", "BMP", "GIF", "TIFF", "JPEG", "WEBP", "PPM")]:
        for _ in range(60):
            changed = bytearray(good)
            for place in random.integers(0, min(len(good), 400), 3):
                changed[place] = int(random.integers(256))
            data.append(bytes(changed))
    reasons = []
    for one in data:
        try:
            decode(one, limit_pixels=10_000_000)
        except UnreadableImageError as error:
            reasons.append(str(error))
    assert len(reasons) > 100
    assert not [reason for reason in reasons if any(word in reason for word in WORDS)]


@pytest.mark.parametrize("start", TIFF_STARTS)
def test_every_signature_of_tiff_is_known_everywhere(start: bytes) -> None:
    assert image_format(start + bytes(200)) == "TIFF"
    assert (
        describe_foreign(start + bytes(200), ("PNG",))
        == "it starts like an image, but its header is damaged or cut off"
    )
