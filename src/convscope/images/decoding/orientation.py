"""An image turned as its EXIF orientation says."""

import struct

from PIL import Image

_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)
# What Pillow raises on damaged EXIF (each seen in a test or in one of Pillow's own threads).
_DAMAGE = (
    OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, AttributeError, RuntimeError,
    struct.error,
)  # fmt: skip


def turned(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return `image` as its EXIF orientation says, and whether its sides changed places.

    Damaged EXIF counts as none: the pixels are good.
    """
    try:
        orientation = image.getexif().get(_TAG)
    except _DAMAGE:
        return image, False
    if not isinstance(orientation, int) or orientation not in _TURNS:
        return image, False
    return image.transpose(_TURNS[orientation]), orientation in _ON_ITS_SIDE
