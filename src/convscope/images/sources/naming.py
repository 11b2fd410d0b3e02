"""Names of files and classes: their natural order, their extension, and what counts as hidden."""

import re

_DIGITS = re.compile(r"([0-9]+)")
_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"})


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a sorting key by which numbers inside names count as numbers; stable for all names.

    Examples:
        >>> sorted(["10", "9", "img2", "img10", "img1"], key=natural_key)
        ['9', '10', 'img1', 'img2', 'img10']
    """
    parts: list[str | int] = list(_DIGITS.split(name))  # text, digits, text, …: each meets only its own kind
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def extension(name: str) -> str:
    """Return the extension in lower case with its dot, "" where there is none; faster than ``os.path.splitext``.

    Examples:
        >>> [extension(name) for name in ("cat.JPG", "cat", ".hidden", "a.tar.gz")]
        ['.jpg', '', '', '.gz']
    """
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden or left behind by an operating system.

    Examples:
        >>> [is_clutter(name) for name in (".DS_Store", "Thumbs.db", "cat.jpg")]
        [True, True, False]
    """
    return name.startswith(".") or name.lower() in _CLUTTER
