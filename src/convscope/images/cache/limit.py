"""Size limit of the cache, and which entries are removed to make room."""

import errno
import os
import re
import shutil
from pathlib import Path

from convscope.core.errors import ParameterError, StorageError
from convscope.core.text import size_text

from .folder import FOLDER_VARIABLE, entries, in_use, is_stale, own_folders, remove

LIMIT_VARIABLE = "CONVSCOPE_CACHE_LIMIT"
_LIMIT = 20_000_000_000
_SPARE = 64_000_000  # bytes of the disk that are left for others
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def limit_bytes(folder: Path) -> int:
    """Return the limit in bytes: CONVSCOPE_CACHE_LIMIT, else 20 GB, or half of the free space if that is less.

    Raises:
        ParameterError: CONVSCOPE_CACHE_LIMIT is not a size.
    """
    text = os.environ.get(LIMIT_VARIABLE, "")
    if not text:
        return min(_LIMIT, (_free(folder) + sum(entry.bytes for entry in entries(folder))) // 2)
    return parse_bytes(text)


def parse_bytes(text: str) -> int:
    """Return the number of bytes in a text like "20GB" or "500 MB".

    Raises:
        ParameterError: the text is not a size.

    Examples:
        >>> parse_bytes("1.5 GB")
        1500000000
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", text, re.IGNORECASE)
    if match is None:
        raise ParameterError(f"`{LIMIT_VARIABLE}` must be a size in bytes. Got {text!r}. Write it like 20GB or 500MB.")
    unit = match[2].upper()
    return int(float(match[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"])


def make_room(folder: Path, needed: int) -> None:
    """Remove the least recently used entries until `needed` bytes fit into the limit and onto the disk.

    Raises:
        StorageError: they do not fit.
        ParameterError: the limit is not a size.
    """
    _refuse_read_only(folder)
    limit = limit_bytes(folder)
    if needed > limit:
        raise StorageError(
            f"The cache of these images needs {size_text(needed)}, more than the limit of {size_text(limit)}. "
            f"Raise it with {LIMIT_VARIABLE}={-(-needed // 10**9)}GB, or choose a smaller --size."
        )
    for path in list(own_folders(folder)):
        if path.name.startswith(".") and is_stale(path):
            remove(path)
    cache_entries = entries(folder)
    taken = sum(entry.bytes for entry in cache_entries)
    while cache_entries and (taken + needed > limit or _lacks(folder, needed)):
        oldest = cache_entries.pop()
        if not in_use(Path(oldest.path)) and remove(Path(oldest.path)):
            taken -= oldest.bytes
    if taken + needed > limit:
        enough = -(-(taken + needed) // 10**9)
        raise StorageError(
            f"The cache of these images needs {size_text(needed)}, and running commands use {size_text(taken)} of "
            f"the limit of {size_text(limit)}. Wait for them, or raise it with {LIMIT_VARIABLE}={enough}GB."
        )
    if _lacks(folder, needed):
        raise StorageError(
            f"The cache of these images needs {size_text(needed)}, with {size_text(_SPARE)} to spare, and "
            f"{size_text(_free(folder))} are free on the disk of {folder}. Free some space, choose another disk with "
            f"{FOLDER_VARIABLE}=FOLDER, "
            "or a smaller --size."
        )


def _refuse_read_only(folder: Path) -> None:
    """Raise OSError if the folder is read-only; the caller then uses another folder."""
    if not os.access(_nearest(folder), os.W_OK):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))


def _nearest(folder: Path) -> Path:
    """Return the folder, or its nearest existing parent."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _free(folder: Path) -> int:
    """Return the free bytes of the disk that `folder` is or will be on."""
    usage = shutil.disk_usage(_nearest(folder))
    if usage.total == 0:  # as /proc, which is read-only rather than full
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))
    return usage.free


def _lacks(folder: Path, needed: int) -> bool:
    return _free(folder) < needed + _SPARE
