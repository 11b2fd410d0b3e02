"""The folder of the cache: where it is, what stands in it, how much disk it may take, and what goes first."""

import contextlib
import dataclasses
import json
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from convscope.core.atomic import explain
from convscope.core.errors import ParameterError, StorageError

from .cache import IMAGES, INDEX
from .locks import is_held

FOLDER_VARIABLE, LIMIT_VARIABLE = "CONVSCOPE_CACHE", "CONVSCOPE_CACHE_LIMIT"
MARKER = "convscope-cache"
"""A file in every folder that convscope made here; nothing without it is ever removed."""

_LIMIT = 20_000_000_000
_SPARE = 64_000_000  # bytes of the disk that are left for others
_STALE_S = 24 * 3600
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: backup programs leave such folders out
_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Pictures decoded by convscope. Safe to remove.\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """One entry: name of the source, pictures, bytes on disk, when it was used last (seconds since 1970), its folder."""

    name: str
    pictures: int
    bytes: int
    used: float
    path: str


def cache_folder(given: Path | None = None) -> Path:
    """Return the folder of the cache: `given`, else CONVSCOPE_CACHE, else the user's cache folder of the system."""
    if given is not None:
        return given
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE]).expanduser()
    return _user_folder() / "convscope" / "pictures"


def limit_bytes(folder: Path) -> int:
    """Return how many bytes the cache may take: CONVSCOPE_CACHE_LIMIT, else 20 GB or half of what is free, if less.

    Raises:
        ParameterError: CONVSCOPE_CACHE_LIMIT is no size.
    """
    text = os.environ.get(LIMIT_VARIABLE, "")
    if not text:
        return min(_LIMIT, (_free(folder) + sum(entry.bytes for entry in entries(folder))) // 2)
    return parse_bytes(text)


def parse_bytes(text: str) -> int:
    """Return a number of bytes written like "20GB" or "500 MB".

    Raises:
        ParameterError: it is not.

    Examples:
        >>> parse_bytes("1.5 GB")
        1500000000
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*", text, re.IGNORECASE)
    unit = match[2].upper() if match else ""
    unit = unit if unit in _UNITS else f"{unit}B"
    if match is None:
        raise ParameterError(f"`{LIMIT_VARIABLE}` must be a size in bytes. Got {text!r}. Write it like 20GB or 500MB.")
    return int(float(match[1]) * _UNITS[unit])


def entries(folder: Path) -> list[CacheEntry]:
    """Return the whole entries in `folder`, the one used last first."""
    found = []
    for path in _own(folder):
        if path.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            index = json.loads((path / INDEX).read_bytes())["index"]
            used = (path / MARKER).stat().st_mtime
            found.append(
                CacheEntry(
                    name=str(index["name"]),
                    pictures=int(index["pictures"]),
                    bytes=_bytes(path),
                    used=used,
                    path=str(path),
                )
            )
    return sorted(found, key=lambda entry: entry.used, reverse=True)


def clear(folder: Path) -> tuple[int, int]:
    """Remove everything that convscope made in `folder` and that nobody uses; return bytes freed, folders kept."""
    freed = kept = 0
    for path in list(_own(folder)):
        if _in_use(path):
            kept += 1
            continue
        size = _bytes(path)
        freed += size if remove(path) else 0
    with contextlib.suppress(OSError):
        if (folder / _TAG).read_text(encoding="ascii") == _TAG_TEXT:
            (folder / _TAG).unlink()
            folder.rmdir()
    return freed, kept


def make_room(folder: Path, needed: int) -> None:
    """Remove what is used least until `needed` bytes fit into the limit and onto the disk.

    Raises:
        StorageError: they do not fit.
        ParameterError: the limit cannot be understood.
    """
    limit = limit_bytes(folder)
    if needed > limit:
        raise StorageError(
            f"The cache of these pictures needs {size_text(needed)}, more than the limit of {size_text(limit)}. "
            f"Raise it with {LIMIT_VARIABLE}={-(-needed // 10**9)}GB, or choose a smaller --size."
        )
    for path in list(_own(folder)):
        if path.name.startswith(".") and _is_stale(path):
            remove(path)
    standing = entries(folder)
    while standing and (sum(entry.bytes for entry in standing) + needed > limit or _lacks(folder, needed)):
        oldest = Path(standing.pop().path)
        if not _in_use(oldest):
            remove(oldest)
    if _lacks(folder, needed):
        raise StorageError(
            f"The cache of these pictures needs {size_text(needed)}, and {size_text(_free(folder))} are free on the disk "
            f"of {folder}. Free some space, choose another disk with {FOLDER_VARIABLE}=FOLDER, or a smaller --size."
        )


@contextlib.contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Give a new folder inside `folder` to build an entry in; what is still there at the end is removed.

    Raises:
        OSError: `folder` cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / _TAG).exists():
        (folder / _TAG).write_text(_TAG_TEXT, encoding="ascii")
    path = folder / f".building-{secrets.token_hex(8)}"
    path.mkdir()
    try:
        owner = {"host": socket.gethostname(), "process": os.getpid()}
        (path / MARKER).write_text(json.dumps(owner), encoding="ascii")
        yield path
    finally:
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)


def remove(path: Path) -> bool:
    """Remove one folder that convscope made, moved aside first so that no half of it is ever read."""
    if not (path / MARKER).is_file():
        return False
    aside = path.with_name(f".removed-{secrets.token_hex(8)}")
    try:
        path.rename(aside)
        shutil.rmtree(aside)
    except OSError:  # another process was faster, or it is open (Windows)
        return False
    return True


def touch(path: Path) -> None:
    """Note that an entry is used now, where that can be written."""
    with contextlib.suppress(OSError):
        os.utime(path / MARKER)


def size_text(count: float) -> str:
    """Return a number of bytes for people.

    Examples:
        >>> size_text(184_320_000), size_text(12)
        ('184 MB', '12 bytes')
    """
    for unit, value in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= value:
            return f"{count / value:.3g} {unit}" if count < 999.5 * value else f"{count / value:,.0f} {unit}"
    return f"{count:.0f} bytes"


def _user_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".cache"


def _own(folder: Path) -> Iterator[Path]:
    """Give the folders in `folder` that carry the marker."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if not path.is_symlink() and (path / MARKER).is_file():
                yield path


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir() if file.is_file())


def _in_use(path: Path) -> bool:
    """Return whether some process maps the pixels in `path`, or is building it."""
    if path.name.startswith(".building"):
        return not _is_stale(path)
    try:
        with open(path / IMAGES, "rb") as file:
            return is_held(file)
    except OSError:
        return False


def _is_stale(path: Path) -> bool:
    """Return whether nobody builds in `path` any more: its process is gone, or nothing happened for a day."""
    try:
        if time.time() - max(file.stat().st_mtime for file in path.iterdir()) > _STALE_S:
            return True
        owner = json.loads((path / MARKER).read_bytes())
        if os.name != "posix" or owner["host"] != socket.gethostname():
            return False
        os.kill(int(owner["process"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return False


def _free(folder: Path) -> int:
    """Return the free bytes of the disk that `folder` is or will be on."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise explain(error, folder) from None


def _lacks(folder: Path, needed: int) -> bool:
    return _free(folder) < needed + _SPARE
