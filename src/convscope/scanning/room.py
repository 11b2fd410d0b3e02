"""The memory of a scan: what is asked for, and what an image takes that is decoded whole."""

import math
import re
from pathlib import Path

from PIL import Image

from convscope.core.errors import ParameterError
from convscope.images.decoding.decoder import IMAGE_FORMATS
from convscope.images.decoding.decoder_messages import quiet_pillow
from convscope.images.decoding.tiff_tags import ORIENTATION

BASE_BYTES = 320 << 20
"""The memory of Python, torch and a reader."""
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_PIXEL_BYTES = {"1": 2, "L": 2, "P": 4}  # while an image is decoded: as Pillow has it, and as an array
_COLOR_BYTES = 8


def parse_bytes(text: str) -> int:
    """Return a size in memory, such as ``512M`` or ``1.5G``, in bytes.

    Raises:
        ParameterError: it is none.

    Examples:
        >>> parse_bytes("512M"), parse_bytes("1G")
        (536870912, 1073741824)
    """
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([kmg]?)i?b?\s*", text.lower())
    if match is None:
        raise ParameterError(f"`memory` must be a size like 512M or 2G. Got {text[:40]!r}.")
    return int(float(match[1]) * _UNITS[match[2]])


def size_option(count: int) -> str:
    """Return bytes, rounded up, as an option says them.

    Examples:
        >>> size_option(536870913)
        '513M'
    """
    return f"{math.ceil(count / _UNITS['m'])}M"


def decoding_bytes(path: Path) -> tuple[int, bool]:
    """Return the bytes that decoding an image takes, 0 if that fails, and whether libvips would give the same pixels.

    Only the header is read.
    """
    try:
        with quiet_pillow(), Image.open(path, formats=IMAGE_FORMATS) as image:
            is_turned = image.getexif().get(ORIENTATION, 1) != 1
            is_plain = image.mode in ("L", "RGB") and "transparency" not in image.info and not is_turned
            count = image.width * image.height * _PIXEL_BYTES.get(image.mode, _COLOR_BYTES)
            return count, is_plain and image.format in ("JPEG", "PNG")
    except Exception:  # noqa: BLE001  # whatever Pillow raises on damaged bytes; decoding it gives the reason
        return 0, False
