"""A cache entry: a file of pixels, a file of facts, and an index with checksums, written last."""

import dataclasses
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.images.loading.facts import FACTS
from convscope.images.preprocessing import Preprocessing

VERSION = 7
"""Version of the format, of preprocessing, and of the rules that choose size and colors."""

IMAGES, FACTS_FILE, INDEX = "images.bin", "facts.bin", "index.json"
PIXELS = "pixels-"
"""An empty file of this name, with a digest of source and preprocessing behind, tells which pixels an entry holds."""

_BLOCK = 4 << 20
_ALL_BELOW = 1 << 30  # bytes: up to this size every block is verified at every start, above it _CHECKED of them
_CHECKED = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class CacheIndex:
    """Description of an entry.

    version: of the format. key: hash of its inputs. name: of the source. images: number in the source. rows: usable
    images, in the order of the source, in images.bin. preprocessing, notes: applied, and how it was chosen.
    reasons: why an image is unusable, by its index. remarks: defects of usable images, by their index. written: size
    and modification times of images.bin, in nanoseconds. facts: checksum. blocks: checksum of each 4 MiB of
    images.bin.
    """

    version: int
    key: str
    name: str
    images: int
    rows: int
    preprocessing: Preprocessing
    notes: tuple[str, ...]
    reasons: dict[str, str]
    remarks: dict[str, tuple[str, ...]]
    written: tuple[int, int, int]
    facts: str
    blocks: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """N H W C."""
        return self.rows, *self.preprocessing.size, self.preprocessing.channels


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CachedImages:
    """A verified entry: its index, images (uint8 N H W C, memory-mapped, read-only) and the facts of every image.

    While the images are in use, other processes do not remove it.
    """

    index: CacheIndex
    images: NDArray[np.uint8]
    facts: NDArray[np.void]


def write_index(folder: Path, index: CacheIndex) -> None:
    """Write the index of an entry, with its checksum."""
    body = to_json(index)
    with open(folder / INDEX, "w", encoding="ascii") as file:
        json.dump({"sum": _sum(_canonical(body)), "index": body}, file)
        file.flush()
        os.fsync(file.fileno())


def read_entry(folder: Path, key: str) -> CachedImages | None:
    """Return the entry in `folder` if it is complete and has this `key`, else None."""
    try:
        document = json.loads((folder / INDEX).read_bytes())
        if document["sum"] != _sum(_canonical(document["index"])):
            return None
        index = from_json(CacheIndex, document["index"])
        if index.version != VERSION or index.key != key:
            return None
        data = (folder / FACTS_FILE).read_bytes()
        if _sum(data) != index.facts or len(data) != index.images * FACTS.itemsize:
            return None
        images = _open_images(folder / IMAGES, index)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, DataError):
        return None
    return None if images is None else CachedImages(index=index, images=images, facts=np.frombuffer(data, FACTS))


def checksums(path: Path) -> tuple[str, ...]:
    """Return one checksum for each 4 MiB of a file."""
    starts = range(0, path.stat().st_size, _BLOCK)
    return tuple(_sums(path, starts))


def state(path: Path) -> tuple[int, int, int]:
    """Return size and modification times (of content and of metadata, in nanoseconds)."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def facts_sum(facts: NDArray[np.void]) -> str:
    """Return the checksum of facts."""
    return _sum(facts.tobytes())


def _open_images(path: Path, index: CacheIndex) -> NDArray[np.uint8] | None:
    """Return the mapped images, None if their bytes have changed."""
    size = int(np.prod(index.shape))
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size != size or len(index.blocks) != -(-size // _BLOCK):
            return None
        hold(file)  # the mapping holds the lock
        checked = list(range(len(index.blocks)))
        if size > _ALL_BELOW and state(path) == index.written:
            checked = sorted({int(block) for block in np.linspace(0, checked[-1], _CHECKED)})
        sums = _sums(path, [block * _BLOCK for block in checked])
        if any(index.blocks[block] != expected for block, expected in zip(checked, sums, strict=True)):
            return None
        return np.memmap(file, np.uint8, mode="r", shape=index.shape)


def _sums(path: Path, starts: range | list[int]) -> Iterator[str]:
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as threads:
        yield from threads.map(lambda start: _block_sum(path, start), starts)


def _block_sum(path: Path, start: int) -> str:
    with open(path, "rb") as file:
        file.seek(start)
        return f"{zlib.crc32(file.read(_BLOCK)):08x}"  # detects damage, not malice; several times faster than a hash


def _sum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, ensure_ascii=True).encode()


if sys.platform != "win32":
    import fcntl


def hold(file: IO[bytes]) -> None:
    """Mark an open file as in use; Windows needs no mark, since a mapped file cannot be removed there."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # no locks on this file system: a mapped file stays readable even when removed
            return


def is_held(file: IO[bytes]) -> bool:
    """Return whether another open file is marked as in use."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
