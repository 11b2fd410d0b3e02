"""IDX files, plain or gzipped, as MNIST has them: images and labels in files beside each other."""

import contextlib
import gzip
import math
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError

from .arrays import ArraySource, from_arrays, to_images
from .source import SPLIT_NAMES, SPLIT_WORDS, TEST, UNASSIGNED

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = re.compile(r"(?P<part>.*?)(?P<kind>images?)(?P<rest>[-._]idx[34](?:[-._]ubyte)?)(?P<gz>\.gz)?", re.IGNORECASE)
_MOST_DEFLATED = 1032  # deflate makes data at most 1032 times smaller (zlib's technical note)


def read_idx(file: Path, out: NDArray[np.uint8] | None = None) -> NDArray[Any]:
    """Return the array in an IDX file, in its own type and shape.

    The size that the header declares is compared with the size of the file before memory is taken; from a gzipped
    file at most that much is unpacked. `out` takes the values where its shape and type fit, which saves a copy.

    Raises:
        DataError: not an IDX file, cut off, damaged, or longer than it declares.
    """
    with _opened(file) as (stream, most, exact):
        shape, kind = _header(file, stream, most, exact=exact)
        fits = out is not None and out.shape == shape and out.dtype == kind and out.flags.c_contiguous
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


def open_idx(path: Path) -> ArraySource:
    """Return the pictures of a folder of IDX files, or of one images file with its labels file beside it.

    The names are those of MNIST: ``train-images-idx3-ubyte`` with ``train-labels-idx1-ubyte``, ``t10k-…`` for the
    test set, each plain or with ``.gz``.

    Raises:
        DataError: a labels file is missing, or the contents do not fit.
    """
    if path.is_dir():
        files = find_idx(path)
    else:
        match = _IMAGES.fullmatch(path.name)
        if match is None:
            raise DataError(
                f"`{path}` must be an IDX file of images, named like train-images-idx3-ubyte, with its labels beside. "
                f"Got {path.name!r}. Give the images file or the folder."
            )
        files = {UNASSIGNED: path}
    if not files:
        raise DataError(f"`{path}/` must hold IDX files of images. Got none. Give the folder that holds them.")
    return read_parts(files, str(path))


def read_parts(
    files: dict[int, Path], name: str, *, classes: tuple[str, ...] | None = None, mirror: bool | None = None
) -> ArraySource:
    """Return the images files, each for its split, with the labels beside them, as one source."""
    shapes = [_image_shape(file, name) for file in files.values()]
    if len({shape[1:] for shape in shapes}) > 1:
        raise DataError(f"`{name}` must have images of one size. Got the shapes {shapes}. Give one part alone.")
    pictures = np.empty((sum(shape[0] for shape in shapes), *shapes[0][1:]), np.uint8)
    labels, splits, start = [], [], 0
    for (split, file), shape in zip(files.items(), shapes, strict=True):
        part = pictures[start : start + shape[0]]
        values = read_idx(file, out=part)
        if values is not part:
            part[:] = to_images(values, str(file)).reshape(part.shape)
        labels.append(read_idx(labels_file(file)))
        if labels[-1].shape != shape[:1]:
            raise DataError(
                f"`{file}` must have one label an image. Got {shape[0]:,} images "
                f"and labels of the shape {labels[-1].shape}. Get both again."
            )
        splits.append(np.full(shape[0], split, np.uint8))
        start += shape[0]
    return from_arrays(
        pictures, np.concatenate(labels), splits=np.concatenate(splits), classes=classes, name=name, mirror=mirror
    )


def _image_shape(file: Path, name: str) -> tuple[int, ...]:
    shape, _ = idx_header(file)
    if len(shape) not in (3, 4) or 0 in shape:
        raise DataError(f"`{name}` must hold images of the shape N H W. Got {shape} in {file.name}. Check the files.")
    return shape


def find_idx(folder: Path) -> dict[int, Path]:
    """Return the images files in `folder` by split; a plain file goes before its gzipped twin."""
    found: dict[int, Path] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"`{folder}` must be a folder that can be read. Got: {error.strerror}. Check it.") from None
    for name in names:
        match = _IMAGES.fullmatch(name)
        if match is None:
            continue
        words = re.split(r"[-._]", match["part"].lower())
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), UNASSIGNED)
        split = TEST if "t10k" in words else split
        if split in found and found[split].name + ".gz" != name:
            part = SPLIT_NAMES[split]
            raise DataError(
                f"`{folder}/` must have one IDX file of {part} images. Got {found[split].name} and {name}. "
                "Give one of the files alone."
            )
        found.setdefault(split, folder / name)
    return dict(sorted(found.items()))


def labels_file(images: Path) -> Path:
    """Return the labels file beside an images file, plain or gzipped.

    Raises:
        DataError: there is none.
    """
    match = _IMAGES.fullmatch(images.name)
    rest = re.sub("[34]", "1", match["rest"], count=1) if match else ""
    kinds = ("LABELS",) if match and match["kind"].isupper() else ("labels", "label")
    names = [f"{match['part']}{kind}{rest}{end}" for kind in kinds for end in ("", ".gz")] if match else []
    for name in names:
        if (images.parent / name).is_file():
            return images.parent / name
    expected = names[0] if names else "a labels file"
    raise DataError(f"`{images}` must have its labels beside it. Got no {expected} (or with .gz). Add it.")


def is_idx(path: Path) -> bool:
    """Return whether `path` is an IDX file by its name or first bytes, or a folder that holds images files."""
    if path.is_dir():
        try:
            return any(_IMAGES.fullmatch(name) for name in os.listdir(path))
        except OSError:
            return False
    if _IMAGES.fullmatch(path.name):
        return True
    try:
        with open(path, "rb") as stream:
            start = stream.read(4)
    except OSError:
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and start[3] in (1, 3, 4)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[tuple[BinaryIO, int, bool]]:
    """Give a stream of what `file` holds, its greatest possible length, and whether that is exact."""
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
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
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
    """Read the bytes of `values`; return whether there were enough."""
    rest = memoryview(values.reshape(-1).view(np.uint8))
    while len(rest):
        count = stream.readinto(rest)  # type: ignore[attr-defined]  # every stream here has it; the protocol does not
        if not count:
            return False
        rest = rest[count:]
    return True
