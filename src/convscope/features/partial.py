"""Partial feature files: rows are saved as they are computed, so that a killed job can be resumed.

``<name>.part`` holds 18 bytes that say what it is, 32 that say what is computed, and the rows so far as float32. It is
taken up again only by the same job, at the end of a whole batch, so that the batches, and with them all bits, are the
same.
"""

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

import numpy as np

from convscope.core.atomic import explained, open_own, refuse_unwritable
from convscope.core.errors import StorageError
from convscope.core.targets import Target, target_of
from convscope.core.temporaries import unnamed_file
from convscope.images.dataset import Dataset

from .extractor import Extractor, Vectors
from .files import Rows

_MAGIC = b"convscope features"
_HEADER = len(_MAGIC) + 32


@final
class PartialFeatures:
    """A partial file of feature rows, of which the first `done` are saved."""

    def __init__(self, stream: BinaryIO, *, shape: tuple[int, ...], done: int) -> None:
        self.done = done
        self._stream, self._shape = stream, shape

    def write(self, features: Vectors) -> None:
        """Add the features of the next images; when this returns, they outlive the process."""
        self._stream.write(np.ascontiguousarray(features, "<f4").tobytes())
        self._stream.flush()
        self.done += len(features)

    def batches(self, step: int) -> Iterator[tuple[int, Vectors]]:
        """Give the features back, `step` images at a time, with the index of the first."""
        self._stream.seek(_HEADER)
        for start in range(0, self.done, step):
            shape = (min(step, self.done - start), *self._shape)
            data = self._stream.read(4 * math.prod(shape))
            yield start, np.frombuffer(data, "<f4").reshape(shape).astype(np.float32, copy=False)


@contextlib.contextmanager
def partial_features(
    path: Path, identity: bytes, *, total: int, shape: tuple[int, ...], step: int
) -> Iterator[PartialFeatures]:
    """Give the partial file beside `path`; it is removed when the block succeeds, and stays when it fails.

    Args:
        path: the final file.
        identity: 32 bytes; rows of another identity belong to another job, and are computed again.
        total: number of images.
        shape: of the features of one image.
        step: images in a batch.

    Raises:
        StorageError: it cannot be written, or another file has its name.
    """
    target = target_of(path)
    with explained(path, streams=target.is_stream), _rows_file(target) as (rows_path, stream):
        size = 4 * math.prod(shape)
        if not _begins_like_ours(stream):
            raise StorageError(f"{rows_path} already exists and was not written by convscope. Move it elsewhere.")
        there = _rows_there(stream, identity, size)
        done = there if there == total else min(there, total) // step * step
        stream.seek(0)
        stream.write(_MAGIC + identity)
        stream.truncate(_HEADER + done * size)
        stream.seek(_HEADER + done * size)
        yield PartialFeatures(stream, shape=shape, done=done)
        stream.close()
        if rows_path is not None:
            rows_path.unlink()


def check_partial(path: Path) -> None:
    """Raise StorageError if no partial file can be written beside `path`."""
    rows_path = partial_path(path)
    if rows_path is not None and rows_path.is_symlink():
        raise StorageError(f"{rows_path} already exists and is a link. Move it elsewhere.")
    if rows_path is not None:
        refuse_unwritable(rows_path)


def partial_path(path: Path) -> Path | None:
    """Return the partial file of `path`; None where `path` is a device, pipe or stream.

    Raises:
        StorageError: `path` is a link that leads nowhere.
    """
    target = target_of(path)
    return None if target.is_stream else target.resolved.with_name(f"{target.resolved.name}.part")


@contextlib.contextmanager
def _rows_file(target: Target) -> Iterator[tuple[Path | None, BinaryIO]]:
    """Give the partial file and its path; for a device the file has no name."""
    rows_path = partial_path(target.path)
    if rows_path is None:
        with unnamed_file() as stream:
            yield None, stream
        return
    with explained(rows_path), open_own(rows_path) as stream:
        yield rows_path, stream


def identity_of(extractor: Extractor, dataset: Dataset, rows: Rows, *, step: int) -> bytes:
    """Return 32 bytes that identify the extractor, the images, and their names, labels and splits."""
    sums = hashlib.blake2b(digest_size=32)
    facts = [extractor.identity(), dataset.source.fingerprint(), repr(dataset.preprocessing), step]
    sums.update(json.dumps(facts).encode())
    for names in (rows.images, rows.labels, rows.splits):
        sums.update("\0".join(names).encode("utf-8", errors="surrogateescape") + b"\0\0")
    return sums.digest()


def _begins_like_ours(stream: BinaryIO) -> bool:
    """Return whether the file is empty or begins as this module writes it (perhaps cut off right there)."""
    stream.seek(0)
    return _MAGIC.startswith(stream.read(len(_MAGIC)))


def _rows_there(stream: BinaryIO, identity: bytes, size: int) -> int:
    """Return how many whole rows of `size` bytes are there that belong to this job."""
    stream.seek(0)
    if stream.read(_HEADER) != _MAGIC + identity:
        return 0
    return max(0, os.fstat(stream.fileno()).st_size - _HEADER) // max(1, size)
