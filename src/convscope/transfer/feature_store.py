"""Features on disk, one row per image: computed once, and again only for images whose row is missing or damaged.

An entry of the cache folder holds `images.bin` (float32, images × values) and `rows.crc` (a checksum of each row, 0
where there is none yet). Rows are written before their checksums, so that a job that was killed goes on where it ended.
"""

import contextlib
import errno
import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from convscope.core.atomic import write_text
from convscope.core.errors import StorageError
from convscope.core.temporaries import temporary_folder
from convscope.images.cache.entry import IMAGES, INDEX, hold
from convscope.images.cache.folder import MARKER, cache_folder, touch
from convscope.images.cache.limit import make_room

Vectors = NDArray[np.float32]
FLOAT32, FLOAT16 = "<f4", "<f2"
_VERSION = 1
_SUMS = "rows.crc"
_NO_PERMISSION = (errno.EACCES, errno.EROFS, errno.EPERM)


@final
class FeatureStore:
    """The rows of one layer and one view of a set of images; `rows` are those on disk, images × values.

    Args:
        folder: of the entry; made if it is not there.
        images, values: rows and columns.
        name: of the images, for `convscope cache`.
        dtype: of the values on disk.
    """

    def __init__(self, folder: Path, *, images: int, values: int, name: str, dtype: str = FLOAT32) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (MARKER, IMAGES, _SUMS):
            (folder / file).touch()
        write_text(folder / INDEX, json.dumps({"index": {"name": name, "images": images}}))
        touch(folder)
        self._stream = (folder / IMAGES).open("r+b")
        hold(self._stream)
        self.rows = _mapped(folder / IMAGES, np.dtype(dtype), (images, values))
        self._sums = _mapped(folder / _SUMS, np.dtype("<u4"), (images,))

    def missing(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of `indices` whose rows are not there, or not as they were written."""
        good = [self._sums[index] == _sum(self.rows[index]) for index in indices]  # none is 0
        return np.asarray(indices[~np.array(good, bool)])

    def write(self, indices: NDArray[np.int64], rows: Vectors) -> None:
        """Store rows; when this returns, they outlive the process."""
        self.rows[indices] = rows
        self.rows.flush()
        self._sums[indices] = [_sum(row) for row in np.ascontiguousarray(rows, self.rows.dtype)]
        self._sums.flush()

    def read(self, indices: NDArray[np.int64]) -> Vectors:
        """Return a copy of these rows, float32."""
        return np.array(self.rows[indices], np.float32)

    def close(self) -> None:
        """Allow others to remove the entry."""
        self._stream.close()


@contextlib.contextmanager
def feature_stores(
    identities: Sequence[Any],
    *,
    images: int,
    values: Sequence[int],
    name: str,
    cache_dir: Path | None,
    dtype: str = FLOAT32,
) -> Iterator[list[FeatureStore]]:
    """Give a store for each identity, in the cache folder; in a temporary one where that cannot be written.

    Args:
        identities: JSON values that the rows depend on, one a store.
        images: number of rows.
        values: of a row, one number a store.
        name: of the images.
        cache_dir: the cache folder; None for the usual one.
        dtype: of the values on disk.

    Raises:
        StorageError: the disk is full, or the limit of the cache is too small.
    """
    folder, temporary = cache_folder(cache_dir), None
    stores: list[FeatureStore] = []
    try:
        try:
            make_room(folder, np.dtype(dtype).itemsize * images * sum(values))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _key(identities[0])).mkdir(exist_ok=True)
        except OSError as error:
            if isinstance(error, StorageError) or error.errno not in _NO_PERMISSION:
                raise
            folder = temporary = temporary_folder()
        for identity, width in zip(identities, values, strict=True):
            entry, shown = folder / _key(identity), f"features of {name}"
            stores.append(FeatureStore(entry, images=images, values=width, name=shown, dtype=dtype))
        yield stores
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"Cannot write features in {folder}: {error.strerror or error}. Free some space.") from error
    finally:
        for store in stores:
            store.close()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def is_stored(identity: Any, *, images: int, values: int, cache_dir: Path | None) -> bool:
    """Return whether there is a store for this identity, of this size, that can be read."""
    path = cache_folder(cache_dir) / _key(identity) / IMAGES
    with contextlib.suppress(OSError):
        return path.is_file() and path.stat().st_size == np.dtype(FLOAT32).itemsize * images * values
    return False


def _key(identity: Any) -> str:
    """Return the name of an entry."""
    text = json.dumps(["features", _VERSION, identity], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _sum(row: NDArray[Any]) -> int:
    """Return the checksum of a row, never 0."""
    return zlib.crc32(row.tobytes()) or 1


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> "np.memmap[Any, Any]":
    """Return the file as an array that is written through; it is enlarged with zeros where it is short."""
    size = int(np.prod(shape)) * dtype.itemsize
    with path.open("r+b") as file:
        if file.seek(0, 2) != size:
            file.truncate(size)
    return np.memmap(path, dtype, mode="r+", shape=shape)
