r"""The file meant by a path in a list, if the path itself does not exist.

Lists may come from other computers: their paths may have backslashes, another Unicode form than the names on disk,
bytes of an older encoding, or the form of a URL (``file:///…``).
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from .text_encoding import as_cp1252

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_FORMS: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFD", text),
)


def meant_path(root: str, written: str) -> str:
    """Return the path, relative to `root` or absolute, that `written` means; `written` itself if no file is found.

    The path as written takes precedence. Only paths with other spellings need access to the disk.
    """
    if written.isascii() and "\\" not in written and not written.startswith(("~", "file:")):
        return written
    for other in _spellings(written):
        if (path := _on_disk(root, other)) is not None:
            return path
    return written


def path_hint(written: str) -> str:
    r"""Return a hint on a path without a file, as a sentence with a leading space; "" if there is none.

    Examples:
        >>> path_hint("C:\\cats\\1.png")
        " Paths that begin with a drive letter are those of another computer: write them from the list's folder."
    """
    if _DRIVE.match(written):
        return " Paths that begin with a drive letter are those of another computer: write them from the list's folder."
    if re.match(r"[a-z]{2,}://", written, re.IGNORECASE) and not written.lower().startswith("file:"):
        return " Nothing is fetched from the network: download the files."
    if "\\" in written:
        return r" Nor is one with / in place of \."
    return ""


def _spellings(written: str) -> Iterator[str]:
    """Give the spellings of a path, the path itself first."""
    spellings = [written]
    if written.startswith("file:"):
        path = unquote(re.sub(r"file:(//(localhost)?(?=/))?", "", written, count=1), errors="surrogateescape")
        spellings += [path, path.lstrip("/")] if _DRIVE.match(path.lstrip("/")) else [path]
    if written.startswith("~"):
        spellings.append(os.path.expanduser(written))
    if not written.isascii() and (other := as_cp1252(written)) not in (None, written):
        spellings.append(str(other))
    for spelling in spellings:
        yield spelling
    for spelling in spellings:
        if "\\" in spelling:
            yield spelling.replace("\\", "/")


def _on_disk(root: str, path: str) -> str | None:
    """Return `path` with each component in the Unicode form that exists on disk; None if there is none."""
    if os.path.lexists(os.path.join(root, path)):
        return path
    if path.isascii():
        return None
    parent = ""
    for part in re.split(r"(/)", path):
        here = parent if part == "/" else _part_on_disk(root, parent, part)
        if here is None:
            return None
        parent = here + "/" if part == "/" else here
    return parent


def _part_on_disk(root: str, parent: str, part: str) -> str | None:
    for form in _FORMS:
        if os.path.lexists(os.path.join(root, parent + form(part))):
            return parent + form(part)
    return None
