"""Why a file is not a usable image, in a few words: from its first bytes, or from the error of Pillow."""

import errno
import re
import struct

from convscope.core.errors import UnreadableImageError
from convscope.core.text import printable

from .decoder_messages import TIFF_STARTS

_FOREIGN = (
    (b"%PDF", 0, "a PDF document"),
    (b"%!PS", 0, "a PostScript document"),
    (b"PK\x03\x04", 0, "a zip archive or office document"),
    (b"\x1f\x8b", 0, "gzip-compressed data"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"\x00\x00\x01\x00", 0, "an icon (ICO)"),
    (b"\x00\x00\x00\x0cJXL ", 0, "JPEG XL"),
    (b"\xff\x0a", 0, "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", 0, "JPEG 2000"),
    (b"ftypavif", 4, "AVIF"),
    (b"ftypheic", 4, "HEIC"),
    (b"ftypheix", 4, "HEIC"),
    (b"ftypmif1", 4, "HEIF"),
    (b"ftyp", 4, "a video (MP4)"),
    (b"\x93NUMPY", 0, "a NumPy array"),
)
BOMB = "decompression bomb"
"""Part of the reason for every image that declares too many pixels."""

_BOMB = f" (a {BOMB}, or far too large)"
_RAISED_BY_PYTHON = (
    LookupError, TypeError, ArithmeticError, AttributeError, AssertionError, UnicodeError, RecursionError, struct.error,
)  # fmt: skip
# Messages of Python in errors that Pillow also raises on purpose (mostly ValueError).
_PYTHON = re.compile(
    r"invalid literal|not in list|to unpack|unpack requires|codec can't|buffer (size|is)|byte string|"
    r"negative (seek|count)|"
    r"cannot convert|could not convert|\[Errno|argument|subscript|NoneType|object|embedded null|does not match format|"
    r"substring not found|range\(|must be (an?|in) |integer|too (large|many|big) to|'[a-z]+' and '[a-z]+'"
)
_MARKUP = ((b"<svg", "an SVG drawing"), (b"<!doctype", "a web page (HTML)"), (b"<html", "a web page (HTML)"))
_READ = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    *((start, "TIFF") for start in TIFF_STARTS),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"RIFF",
    *TIFF_STARTS,
    b"BM",
    b"GIF8",
    b"P1",
    b"P2",
    b"P4",
    b"P5",
    b"P6",
)


def describe_foreign(start: bytes, formats: tuple[str, ...]) -> str:
    """Return the apparent type of an unsupported file, from its first bytes.

    Examples:
        >>> describe_foreign(b"%PDF-1.7", ("JPEG", "PNG"))
        'it is not an image but a PDF document'
        >>> describe_foreign(b"hello", ("JPEG", "PNG"))
        'it is not an image in a known format (JPEG, PNG)'
    """
    for signature, offset, what in _FOREIGN:
        if start[offset : offset + len(signature)] == signature:
            kind = (
                "not an image but " if what.startswith(("a ", "an ", "gzip")) else "an image in an unsupported format: "
            )
            return f"it is {kind}{what}"
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for markup, what in _MARKUP:
        if head.startswith(markup):
            return f"it is not an image but {what}"
    if start.startswith(_SIGNATURES):
        return "it starts like an image, but its header is damaged or cut off"
    return f"it is not an image in a known format ({', '.join(formats)})"


def image_format(start: bytes) -> str:
    r"""Return the image format of the signature of a file, supported or not; "" for anything else.

    Examples:
        >>> image_format(b"\xff\xd8\xff\xe0"), image_format(b"\0\0\0\x18ftypheic"), image_format(b"hello")
        ('JPEG', 'HEIC', '')
    """
    if start[128:132] == b"DICM":
        return "DICOM"
    if start.startswith(b"II*") and start[8:10] == b"CR":
        return "raw"
    for signature, name in _READ:
        if start.startswith(signature):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:2] == b"BM" and start[6:10] == bytes(4) and len(start) >= 26:
        return "BMP"
    if re.match(rb"P[1-6fF]\s+(#|\d)", start):
        return "PPM"
    for signature, offset, what in _FOREIGN:
        if start[offset : offset + len(signature)] == signature and not what.startswith(("a ", "an ", "gzip")):
            return what
    return ""


def describe_damage(error: BaseException, complaint: str = "") -> str:
    r"""Return a short clause for the error of a codec on damaged data.

    complaint: message of the decoder, shown instead of the error number of Pillow. Messages of Python itself ("invalid
    literal for int()") say nothing about the image, and are not shown.

    Examples:
        >>> describe_damage(OSError("image file is truncated (12 bytes not processed)"))
        'the file is cut off: its image data end too early'
        >>> describe_damage(ValueError(b"Token too long: 3.5\0\0"))
        'its data are damaged (Token too long: 3.5)'
        >>> describe_damage(OSError(errno.EINVAL, "Invalid argument"))
        'its data are damaged'
        >>> describe_damage(OSError("bad tile")), describe_damage(ValueError("invalid literal for int()"))
        ('its data are damaged (bad tile)', 'its data are damaged')
    """
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    argument = error.args[0] if error.args else ""
    text = argument.replace(b"\0", b" ").decode("latin-1") if isinstance(argument, bytes) else str(error)  # as for PPM
    text = " ".join(text.split()).rstrip(".")
    if "truncated" in text.lower() or "not enough" in text.lower() or isinstance(error, EOFError):
        return "the file is cut off: its image data end too early"
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL) and error.strerror:
        # the disk, not the image; EINVAL means an offset before the start of the file
        return f"it cannot be read: {error.strerror}"
    text = printable(complaint or ("" if _is_of_python(error, text) else text))
    return f"its data are damaged ({text[:100]})" if text else "its data are damaged"


def _is_of_python(error: BaseException, text: str) -> bool:
    """Return whether Python raised the error, not Pillow on purpose."""
    return isinstance(error, _RAISED_BY_PYTHON) or _PYTHON.search(text) is not None


def webp_size(start: bytes) -> tuple[int, int]:
    """Return (width, height) from a WebP header, (0, 0) for another format.

    Pillow's WebP reader allocates the whole canvas before the size is known, so the size is read here first.
    """
    if len(start) < 30 or start[:4] != b"RIFF" or start[8:12] != b"WEBP":
        return 0, 0
    kind = start[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", start, 26)
    return width & 0x3FFF, height & 0x3FFF


def describe_bomb(error: Exception, limit_pixels: int) -> str:
    """Return the reason for what Pillow itself refused as a decompression bomb."""
    declared = re.search(r"[0-9]+", str(error))
    many = f"{int(declared[0]):,} pixels" if declared and len(declared[0]) < 30 else "far too many pixels"
    return f"it declares {many}, more than the limit of {limit_pixels:,}{_BOMB}"


def refuse_large(size: tuple[int, int], limit_pixels: int) -> None:
    """Raise UnreadableImageError when an image of `size` (width, height) has more than `limit_pixels`."""
    width, height = size
    if width * height > limit_pixels:
        raise UnreadableImageError(
            f"it declares {width:,} x {height:,} pixels, more than the limit of {limit_pixels:,}{_BOMB}"
        )
