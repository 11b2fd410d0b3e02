"""Text that came from outside (names of files and classes), made safe to print."""

import re

# Controls, line ends, lone surrogates (bytes of a name that are no UTF-8), and marks that turn the reading direction.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return `text` on one line, with everything that a terminal could take for a command written out.

    Bytes of a file name that are no UTF-8 are shown as ``\xNN``, as the shell's ``$'…'`` takes them.

    Examples:
        >>> print(printable("two\nlines"), printable("caf\udce9"), printable("größe"), printable("\x1b[31m"))
        two\nlines caf\xe9 größe \x1b[31m
    """
    return _UNSAFE.sub(_written_out, text)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Examples:
        >>> counted(1, "picture"), counted(12_000, "picture"), counted(2, "class", "classes")
        ('1 picture', '12,000 pictures', '2 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def begins_formula(text: str) -> bool:
    """Return whether a spreadsheet would take `text` for a formula, which a stranger's name could make use of."""
    return text.startswith(_FORMULA)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that Python could not decode (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def columns_of(rows: list[list[str]]) -> list[str]:
    """Return lines whose columns stand under each other, numbers to the right.

    Examples:
        >>> columns_of([["step", "units"], ["4C3", "4"]])
        ['step  units', '4C3       4']
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
