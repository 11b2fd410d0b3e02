"""The folder of the cache: where it is, what stands in it, and how something gets in and out of it."""

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

from .entry import FACTS_FILE, IMAGES, INDEX, is_held

FOLDER_VARIABLE = "CONVSCOPE_CACHE"
MARKER = "convscope-cache"
"""A file in every folder that convscope made here; what has neither it nor the name of an entry is never removed."""

_BUILDING = re.compile(r"\.building-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}")
_ASIDE = re.compile(r"\.removed-[0-9a-f]{16}")
_KEY = re.compile("[0-9a-f]{32}")
_STALE_S = 24 * 3600
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: backup programs leave such folders out
_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Images decoded by convscope. Safe to remove.\n"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """One entry: name of the source, images, bytes on disk, when it was used (seconds since 1970), its folder."""

    name: str
    images: int
    bytes: int
    used: float
    path: str


def cache_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the cache: `given`, else CONVSCOPE_CACHE, else the user's cache folder of the system."""
    if folder is not None:
        return Path(folder)
    if os.environ.get(FOLDER_VARIABLE):
        with _home_needed():
            return Path(os.environ[FOLDER_VARIABLE]).expanduser()
    return user_folder() / "convscope" / "images"


def entries(folder: Path) -> list[CacheEntry]:
    """Return the whole entries in `folder`, the one used last first."""
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
    """Remove everything that convscope made in `folder` and that nobody uses; return bytes freed, folders kept."""
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
    """Give a new folder inside `folder` to build an entry in; what is still there at the end is removed.

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
    """Remove one folder that convscope made, moved aside first so that no half of it is ever read."""
    if not is_own(path):
        return False
    aside = path.with_name(f".removed-{secrets.token_hex(8)}")
    try:
        path.rename(aside)
        for inside in aside.iterdir():
            if inside.is_dir() and not inside.is_symlink():
                shutil.rmtree(inside)
            elif inside.name != MARKER:  # the marker goes last: what is left by an error can still be told and removed
                inside.unlink()
        shutil.rmtree(aside)
    except OSError:  # another process was faster, or it is open (Windows)
        return False
    return True


def touch(path: Path) -> None:
    """Note that an entry is used now, where that can be written."""
    with contextlib.suppress(OSError):
        os.utime(path / MARKER)


@contextlib.contextmanager
def _home_needed() -> Iterator[None]:
    """Say what to do where the user has no home folder.

    Raises:
        StorageError: there is none.
    """
    try:
        yield
    except RuntimeError as error:  # of pathlib
        raise StorageError(
            f"There is no home folder to keep images in. Set HOME, or {FOLDER_VARIABLE} to a folder."
        ) from error


def user_folder() -> Path:
    """Return the folder in which programs of this system keep what can be made again.

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
    """Give the folders in `folder` that convscope made."""
    with contextlib.suppress(OSError):
        yield from filter(is_own, sorted(folder.iterdir()))


def is_own(path: Path) -> bool:
    """Return whether convscope made a folder: it has the marker, or the name of an entry and only its parts."""
    if path.is_symlink() or not path.is_dir():
        return False
    if (path / MARKER).is_file() or _was_just_begun(path) or (_ASIDE.fullmatch(path.name) and not any(path.iterdir())):
        return True  # of what was moved aside, a kill may leave the empty folder
    return bool(_KEY.fullmatch(path.name)) and {file.name for file in path.iterdir()} <= {IMAGES, FACTS_FILE, INDEX}


def entry_bytes(path: Path) -> int:
    """Return the bytes of the files in one entry."""
    size = 0
    with contextlib.suppress(OSError):  # another process may be removing it
        for file in path.iterdir():
            size += file.stat().st_size if file.is_file() else 0
    return size


def in_use(path: Path) -> bool:
    """Return whether some process maps the pixels in `path`, or is building it."""
    if path.name.startswith(".building"):
        return not is_stale(path)
    try:
        with open(path / IMAGES, "rb") as file:
            return is_held(file)
    except OSError:
        return False


def _was_just_begun(path: Path) -> bool:
    """Return whether a folder to build in is empty, and the process that made it is gone: it was killed just then."""
    made = _BUILDING.fullmatch(path.name)
    if made is None or made[1] != host_mark() or int(made[2]) == os.getpid():
        return False
    return is_gone(int(made[2])) and not any(path.iterdir())


def is_stale(path: Path) -> bool:
    """Return whether nobody builds in `path` any more: its process is gone, or nothing happened for a day."""
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
