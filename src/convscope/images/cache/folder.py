"""The cache folder: its location and its entries, and how they are added and removed."""

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

from convscope.core.atomic import write_new
from convscope.core.errors import StorageError
from convscope.core.temporaries import host_mark, is_gone

from .entry import FACTS_FILE, IMAGES, INDEX, PIXELS, is_held

FOLDER_VARIABLE = "CONVSCOPE_CACHE"
MARKER = "convscope-cache"
"""File in every folder that convscope creates here; a folder without it or the name of an entry is never removed."""

_BUILDING = re.compile(r"\.building-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
_ASIDE = re.compile(r"\.removed-[0-9a-f]{16}")
_KEY = re.compile("[0-9a-f]{32}")
_STALE_S = 24 * 3600
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: backup programs leave such folders out
_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Images decoded by convscope. Safe to remove.\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """One entry: name of the source, number of images, bytes on disk, last use (seconds since 1970), folder."""

    name: str
    images: int
    bytes: int
    used: float
    path: str


def cache_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the cache folder: `folder`, else CONVSCOPE_CACHE, else the user's cache folder of the system."""
    if folder is not None:
        return Path(folder)
    if os.environ.get(FOLDER_VARIABLE):
        with _home_needed():
            return Path(os.environ[FOLDER_VARIABLE]).expanduser()
    return user_folder() / "convscope" / "images"


def entries(folder: Path) -> list[CacheEntry]:
    """Return the complete entries in `folder`, most recently used first."""
    cache_entries = []
    for path in own_folders(folder):
        if path.name.startswith("."):
            continue
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            index = json.loads((path / INDEX).read_bytes())["index"]
            marked = (path / MARKER).exists()
            used = (path / MARKER if marked else path).stat().st_mtime
            cache_entries.append(
                CacheEntry(
                    name=str(index["name"]),
                    images=int(index["images"]),
                    bytes=entry_bytes(path),
                    used=used,
                    path=str(path),
                )
            )
    return sorted(cache_entries, key=lambda entry: entry.used, reverse=True)


def clear(folder: Path) -> tuple[int, int]:
    """Remove every unused folder that convscope created in `folder`; return bytes freed, folders in use."""
    freed = in_use_count = 0
    for path in list(own_folders(folder)):
        if in_use(path):
            in_use_count += 1
            continue
        size = entry_bytes(path)
        if remove(path):
            freed += size
        else:
            in_use_count += 1
    with contextlib.suppress(OSError):
        alone = [path.name for path in folder.iterdir()] == [_TAG]
        if alone and (folder / _TAG).read_text(encoding="ascii") == _TAG_TEXT:
            (folder / _TAG).unlink()
            folder.rmdir()
    return freed, in_use_count


@contextlib.contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Give a new folder inside `folder` to build an entry in; if it is still there at the end, it is removed.

    Raises:
        OSError: `folder` cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_new(folder / _TAG, _TAG_TEXT)
    path = folder / f".building-{host_mark()}-{os.getpid()}-{secrets.token_hex(4)}"
    path.mkdir()
    try:
        owner = {"host": socket.gethostname(), "process": os.getpid()}
        write_new(path / MARKER, json.dumps(owner))
        yield path
    finally:
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)


def remove(path: Path) -> bool:
    """Remove a folder that convscope created; it is renamed first, so that no incomplete entry is read."""
    if not is_own(path):
        return False
    aside = path.with_name(f".removed-{secrets.token_hex(8)}")
    try:
        path.rename(aside)
        for inside in aside.iterdir():
            if inside.is_dir() and not inside.is_symlink():
                shutil.rmtree(inside)
            elif inside.name != MARKER:  # the marker goes last: what an error leaves is still recognized and removed
                inside.unlink()
        shutil.rmtree(aside)
    except OSError:  # another process was faster, or a file is open (Windows)
        return False
    return True


def touch(path: Path) -> None:
    """Record that an entry is used now, if the folder is writable."""
    with contextlib.suppress(OSError):
        os.utime(path / MARKER)


@contextlib.contextmanager
def _home_needed() -> Iterator[None]:
    """Turn the error of a missing home folder into a StorageError.

    Raises:
        StorageError: the user has no home folder.
    """
    try:
        yield
    except RuntimeError as error:  # of pathlib
        raise StorageError(
            f"There is no home folder to keep images in. Set HOME, or {FOLDER_VARIABLE} to a folder."
        ) from error


def user_folder() -> Path:
    """Return the user's cache folder of this operating system.

    Raises:
        StorageError: the user has no home folder.
    """
    with _home_needed():
        return _system_folder()


def _system_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    xdg_folder = os.environ.get("XDG_CACHE_HOME", "")
    return Path(xdg_folder) if os.path.isabs(xdg_folder) else Path.home() / ".cache"


def own_folders(folder: Path) -> Iterator[Path]:
    """Give the folders in `folder` that convscope created."""
    with contextlib.suppress(OSError):
        yield from filter(is_own, sorted(folder.iterdir()))


def is_own(path: Path) -> bool:
    """Return whether convscope created a folder: it has the marker, or the name and only the files of an entry."""
    if path.is_symlink() or not path.is_dir():
        return False
    if (path / MARKER).is_file() or _was_just_begun(path) or (_ASIDE.fullmatch(path.name) and not any(path.iterdir())):
        return True  # a kill may leave the empty folder of a removed entry
    names = {file.name for file in path.iterdir() if not file.name.startswith(PIXELS)}
    return bool(_KEY.fullmatch(path.name)) and names <= {IMAGES, FACTS_FILE, INDEX}


def entry_bytes(path: Path) -> int:
    """Return the bytes of the files in one entry."""
    size = 0
    with contextlib.suppress(OSError):  # another process may be removing it
        for file in path.iterdir():
            size += file.stat().st_size if file.is_file() else 0
    return size


def in_use(path: Path) -> bool:
    """Return whether a process maps the pixels in `path`, or builds the entry."""
    if path.name.startswith(".building"):
        return not is_stale(path)
    try:
        with open(path / IMAGES, "rb") as file:
            return is_held(file)
    except OSError:
        return False


def _was_just_begun(path: Path) -> bool:
    """Return whether a building folder is empty and its process is gone."""
    made = _BUILDING.fullmatch(path.name)
    if made is None or made[1] != host_mark() or int(made[2]) == os.getpid():
        return False
    return is_gone(int(made[2])) and not any(path.iterdir())


def is_stale(path: Path) -> bool:
    """Return whether the building folder `path` is abandoned: its process is gone, or it is a day old."""
    if _was_just_begun(path):
        return True
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
