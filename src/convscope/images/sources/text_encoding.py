"""The encoding of the text of lists and file names."""

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile("[\udc80-\udcff]")  # bytes that are not UTF-8
LONGEST_MARK = 4  # bytes


def encoding_of(start: bytes, *, by_zeros: bool = True) -> str:
    r"""Return the encoding of a text from its first bytes: by the byte order mark, or else by zero bytes.

    Examples:
        >>> [encoding_of(start) for start in (b"path", b"p\0a\0", b"\xff\xfep\0", b"p\0\0\0a\0\0\0")]
        ['utf-8', 'utf-16-le', 'utf-16', 'utf-32-le']
    """
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    zeros = tuple(byte == 0 for byte in start[:8])
    if not (by_zeros and any(zeros)):
        return "utf-8"
    for name, pattern in (
        ("utf-32-le", (False, True, True, True)),
        ("utf-32-be", (True, True, True, False)),
        ("utf-16-le", (False, True, False, True)),
        ("utf-16-be", (True, False, True, False)),
    ):
        if len(zeros) >= 4 and zeros == (pattern * 2)[: len(zeros)]:
            return name
    return "utf-8"


def decoded(data: bytes) -> tuple[str, str]:
    """Return a text and its encoding; bytes that are not UTF-8 are escaped as in file names.

    Raises:
        UnicodeDecodeError: its encoding is UTF-16 or UTF-32 by its first bytes, and it is damaged or cut off.
    """
    name = encoding_of(data)
    text = data.decode(name, "surrogateescape" if name == "utf-8" else "strict")
    return text.lstrip("\ufeff"), name


def as_cp1252(text: str) -> str | None:
    r"""Return a text with escaped bytes read as Windows-1252; None if that fails.

    Examples:
        >>> as_cp1252("K\udce4fer"), as_cp1252("größe"), as_cp1252("\udc83\udc8f")
        ('Käfer', 'größe', None)
    """
    if not _ESCAPED.search(text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError:
        return None


def utf8_chunks(chunks: Iterable[bytes], *, by_zeros: bool = True) -> Iterator[bytes]:
    r"""Give the bytes of a text as UTF-8 without a byte order mark, chunk by chunk; UTF-8 stays unchanged.

    Without a mark, zero bytes indicate UTF-16 if `by_zeros`; not if zeros separate names.

    Examples:
        >>> list(utf8_chunks([b"\xff", b"\xfea\0", b"b\0"])), list(utf8_chunks([b"\xef\xbb\xbfa", b"\xff"]))
        ([b'a', b'b'], [b'a', b'\xff'])
    """
    start, waiting = b"", iter(chunks)
    for chunk in waiting:
        start += chunk
        if len(start) >= LONGEST_MARK or not any(mark.startswith(start) for mark, _ in _BOMS):
            break
    name = encoding_of(start, by_zeros=by_zeros)
    if name == "utf-8":
        yield from filter(None, itertools.chain([start.removeprefix(codecs.BOM_UTF8)], waiting))
        return
    decoder = codecs.getincrementaldecoder(name)("replace")
    for chunk in itertools.chain([start], waiting):
        if text := decoder.decode(chunk).lstrip("\ufeff"):
            yield text.encode("utf-8", "surrogatepass")
