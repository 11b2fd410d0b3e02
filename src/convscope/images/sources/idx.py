"""The IDX format of MNIST, plain or gzipped: an array after a header with its type and shape."""

import contextlib
import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.memory import available_bytes

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DEFLATED = 1032  # deflate makes data at most 1032 times smaller (zlib's technical note)


def read_idx(file: Path, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return the array in an IDX file, in its own type and shape.

    The declared size is compared with the file size before memory is allocated; at most that much is unpacked from a
    gzipped file. `out` receives the values if its shape and type match, which saves a copy.

    Raises:
        DataError: not an IDX file, truncated, damaged, or longer than declared.
    """
    with _opened(file) as (stream, most, exact):
        shape, kind = _header(file, stream, most, exact=exact)
        fits = out is not None and out.shape == shape and out.dtype == kind and out.flags.c_contiguous
        if not fits:
            refuse_beyond_memory(file, kind.itemsize * math.prod(shape))
        values = out if out is not None and fits else np.empty(shape, kind)
        if not _fill(stream, values) or stream.read(1):
            raise DataError(
                f"`{file}` must be as long as its header says. Got another length than {shape}. Get it again."
            )
        return values


def idx_header(file: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type that an IDX file declares; errors as for `read_idx`."""
    with _opened(file) as (stream, most, exact):
        return _header(file, stream, most, exact=exact)


def refuse_beyond_memory(file: Path, needed: int) -> None:
    """Raise DataError if the unpacked file does not fit into the available memory."""
    available = available_bytes()
    if needed > available:
        raise DataError(
            f"`{file}` must fit into the memory that is available. Got {needed / 1e9:.1f} GB needed and "
            f"{available / 1e9:.1f} GB available. Give a part of it."
        )


def starts_as_idx(file: Path) -> bool:
    """Return whether the first bytes of `file` are those of a plain IDX file of labels or images."""
    try:
        with open(file, "rb") as stream:
            start = stream.read(4)
    except OSError:
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and start[3] in (1, 3, 4)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int, bool]]:
    """Give a stream of the content of `file`, its greatest possible length, and whether that is exact."""
    try:
        size = os.stat(file).st_size
        with open(file, "rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not zipped:
                yield plain, size, True
                return
            with gzip.open(plain) as stream:
                yield cast("BinaryIO", stream), size * _MOST_DEFLATED, False
    except DataError:
        raise
    except (OSError, EOFError, zlib.error, struct.error, ValueError, MemoryError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "contents that are damaged or cut off"
        )
        raise DataError(f"`{file}` must be a whole IDX file. Got: {reason}. Get it again.") from None


def _header(file: Path, stream: BinaryIO, most: int, *, exact: bool) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type from the start of `stream`, which holds at most `most` bytes (just so many if `exact`)."""
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= 4:
        raise DataError(f"`{file}` must be an IDX file. Got the first bytes {head!r}. Check the path.")
    kind, dimensions = np.dtype(_TYPES[head[2]]), head[3]
    sides = stream.read(4 * dimensions)
    if len(sides) < 4 * dimensions:
        raise DataError(f"`{file}` must be a whole IDX file. Got a header that is cut off. Get it again.")
    shape = struct.unpack(f">{dimensions}I", sides)
    declared = kind.itemsize * math.prod(shape)  # Python integers do not overflow
    rest = most - 4 - 4 * dimensions
    if declared > rest or (exact and declared != rest):
        raise DataError(
            f"`{file}` must be as long as its header says. Got {declared:,} bytes in the header for the shape {shape}, "
            f"and {'' if exact else 'at most '}{rest:,} in the file. Get it again."
        )
    return shape, kind


def _fill(stream: BinaryIO, values: NDArray[Any]) -> bool:
    """Fill `values` from the stream; return whether there were enough bytes."""
    rest = values.reshape(-1).view(np.uint8).data
    while len(rest):
        count = stream.readinto(rest)  # type: ignore[attr-defined]  # every stream here has it; the protocol does not
        if not count:
            return False
        rest = rest[count:]
    return True
