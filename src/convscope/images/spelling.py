"""Names of files, which may hold any bytes, as text that every terminal and every JSON reader takes."""

import os


def spell(name: str) -> str:
    r"""Return `name` as valid Unicode: bytes of a name that are not UTF-8 become ``\xff``.

    Examples:
        >>> spell("caf\udce9.jpg")
        'caf\\xe9.jpg'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        try:
            return os.fsencode(name).decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # lone surrogates that no file system made
            return name.encode("utf-8", "backslashreplace").decode()
    return name


def one_line(name: str) -> str:
    r"""Return `name` on one line, with everything that does not print (newlines, escapes) written as ``\n``, ``\x1b``.

    Examples:
        >>> one_line("two\nlines")
        'two\\nlines'
    """
    text = spell(name)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
