"""Safe output of external text (names of files and classes), and numbers in words."""

import re
from decimal import ROUND_HALF_UP, Decimal

# Ends of cells and lines (as of str.splitlines).
_ENDS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Controls, line ends, lone surrogates (bytes that are not UTF-8), and marks that change the reading direction.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# Values up to this length stay unchanged in a sentence; ordinary paths do.
_LONGEST_VALUE, _LEFT_OF_VALUE, _LONGEST_SENTENCE = 300, 160, 800
_LONG_VALUE = re.compile(
    r"(?<!\w)'[^']{N,}'(?!\w)|(?<!\w)\"[^\"]{N,}\"(?!\w)|`[^`]{N,}`|\S{N,}".replace("N", str(_LONGEST_VALUE))
)


def printable(text: str) -> str:
    r"""Return `text` on one line, with everything escaped that a terminal could interpret.

    Bytes of a file name that are not UTF-8 are shown as ``\xNN``, which the shell's ``$'…'`` accepts.

    Examples:
        >>> print(printable("two\nlines"), printable("caf\udce9"), printable("größe"), printable("\x1b[31m"))
        two\nlines caf\xe9 größe \x1b[31m
    """
    return _UNSAFE.sub(_written_out, text)


def shortened(text: str, most: int) -> str:
    """Return `text` without its middle if it is longer than `most` characters.

    Examples:
        >>> shortened("a-very-long-name.png", 11), shortened("short.png", 11)
        ('a-ver….png', 'short.png')
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 2 - 1
    return f"{text[: most - 2 - tail]}…{text[-tail:]}"


def sentence(text: str) -> str:
    r"""Return a message for display: printable, on one line, of readable length.

    A very long value (quoted, or without spaces) keeps its two ends; a message that is still too long keeps its
    beginning, and its end, which says what to do.

    Examples:
        >>> print(sentence("Got 'a\nb'."), sentence(f"Got {'32C5-' * 200}MP2. Check it.")[-30:])
        Got 'a\nb'. -32C5-32C5-32C5-MP2. Check it.
    """
    ends_stay = _LONG_VALUE.sub(lambda match: shortened(match[0], _LEFT_OF_VALUE), printable(text))
    return shortened(ends_stay, _LONGEST_SENTENCE)


def one_cell(text: str) -> str:
    r"""Return `text` as one cell of a tab-separated row: tabs and line ends are escaped, all else stays.

    For programs, which need unchanged names; for terminals use `printable`.

    Examples:
        >>> one_cell("two\nlines\there") == r"two\nlines\there", one_cell("photo\u202egnp") == "photo\u202egnp"
        (True, True)
    """
    return _ENDS.sub(_written_out, text)


def json_for_terminals(document: str) -> str:
    r"""Return a JSON document that means the same, with everything that a terminal could interpret as ``\uNNNN``.

    Examples:
        >>> import json
        >>> document = json_for_terminals(json.dumps("photo\u202egnp", ensure_ascii=False))
        >>> document.isascii(), json.loads(document) == "photo\u202egnp"
        (True, True)
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def counted(number: float, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Examples:
        >>> counted(1, "image"), counted(12_000, "image"), counted(2, "class", "classes"), counted(2.5, "second")
        ('1 image', '12,000 images', '2 classes', '2.5 seconds')
    """
    return f"{number:{',' if isinstance(number, int) else 'g'}} {noun if number == 1 else plural or noun + 's'}"


def image_in_words(name: str) -> str:
    """Return the name of an image, in words where it is a number in an array.

    Examples:
        >>> image_in_words("test[7]"), image_in_words("images[12]"), image_in_words("cats/a[1].png")
        ('test image 7', 'image 12', 'cats/a[1].png')
    """
    numbered = re.fullmatch(r"([a-z]+)\[(\d+)\]", name)
    return f"{numbered[1]} image {numbered[2]}".removeprefix("images ") if numbered else name


def duration(seconds: float, *, exact: bool = False) -> str:
    """Return a duration in words.

    Args:
        seconds: of the duration.
        exact: with tenths below a minute; otherwise rounded as an estimate.

    Examples:
        >>> duration(0.4), duration(7.26), duration(95), duration(3600 * 7 + 61), duration(3600 * 50)
        ('0 s', '7 s', '1 min 35 s', '7 h 1 min', '2 d 2 h')
        >>> duration(7.26, exact=True)
        '7.3 s'
    """
    if exact and seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    if minutes < 60 * 24:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def size_text(count: int) -> str:
    """Return a number of bytes as readable text.

    Examples:
        >>> size_text(184_320_000), size_text(12)
        ('184 MB', '12 bytes')
    """
    for unit, value in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * value:
            return f"{count / value:,.0f} {unit}" if count >= 999.5 * value else f"{count / value:.3g} {unit}"
    return "1 byte" if count == 1 else f"{count} bytes"


def are(number: int) -> str:
    """Return "is" or "are" for a number of things.

    Examples:
        >>> are(1), are(0)
        ('is', 'are')
    """
    return "is" if number == 1 else "are"


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def begins_formula(text: str) -> bool:
    """Return whether a spreadsheet would interpret `text` as a formula, which an external name could exploit."""
    return text.startswith(_FORMULA)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that Python could not decode (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def percent(value: float | None, total: int | None = None, *, fine_ends: bool = False) -> str:
    """Return a fraction in percent, with as many decimals as `total` images justify.

    Only 1 reads as 100 % and only 0 as 0 %. A half is rounded up, as the programs of the pages do.

    Args:
        value: the fraction; None reads as a dash.
        total: number of images; from 1,000 on there are two decimals, else one.
        fine_ends: two decimals below 1.5 % and above 98.5 %, where differences are small, in any case.

    Examples:
        >>> percent(0.98888, 360), percent(0.99412, 10_000), percent(1.0, 50), percent(None)
        ('98.9 %', '99.41 %', '100 %', '–')
        >>> percent(0.99999, 360), percent(0.00001, 360), percent(0.7125)
        ('>99.9 %', '<0.1 %', '71.3 %')
        >>> [percent(value, fine_ends=True) for value in (0.012, 0.5, 0.9912)]
        ['1.20 %', '50.0 %', '99.12 %']
    """
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    fine = (total is not None and total >= 1000) or (fine_ends and not 0.015 <= value <= 0.985)
    decimals = 2 if fine else 1
    text = str(Decimal(float(value) * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    if float(text) == 100:
        return f">{100 - 10**-decimals:.{decimals}f} %"
    if float(text) == 0:
        return f"<{10**-decimals:.{decimals}f} %"
    return f"{text} %"


def percent_cell(value: float | None, decimals: int = 1) -> str:
    """Return a fraction in percent for a table in a terminal.

    Examples:
        >>> percent_cell(0.12345), percent_cell(0.5, 0), percent_cell(None)
        ('12.3%', '50%', '-')
    """
    return "-" if value is None else f"{value:.{decimals}%}"


def large(number: int) -> str:
    """Return a whole number with separators; in words from a million.

    Examples:
        >>> large(431_080), large(2_293_000), large(2_000_000_000)
        ('431,080', '2.3 million', '2 billion')
    """
    for size, word in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if number >= size:
            rounded = f"{number / size:.1f}".removesuffix(".0")
            return f"{rounded} {word}"
    return f"{number:,}"
