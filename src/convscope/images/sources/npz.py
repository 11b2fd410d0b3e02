"""Arrays saved with ``np.savez``, as a source: checked by their headers before memory is taken, never unpickled."""

import errno
import lzma
import math
import re
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.memory import available_bytes
from convscope.core.progress import Reporter, Silent, Task
from convscope.core.text import counted

from .arrays import ArraySource, as_images, from_arrays, refuse_large_images
from .labels import refuse_no_text
from .source import SPLIT_WORDS, UNASSIGNED

_IMAGES = ("x", "images", "image", "data", "imgs")
_LABELS = ("y", "labels", "label", "target", "targets", "classes")
_CLASSES = ("class_names", "classes", "names", "target_names")
_EXPECTED = "x and y, images and labels, or x_train, y_train, x_test, y_test"
_MOST_DEFLATED = 1032
_SLOW_BYTES = 200_000_000  # of arrays: unpacking more takes seconds
# Messages of zipfile are shown; those of Python and NumPy on damaged headers are not helpful.
_DAMAGED_ZIP = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile)
_DAMAGE = (
    *_DAMAGED_ZIP, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, AssertionError, RuntimeError,
    MemoryError, SyntaxError, tokenize.TokenError, struct.error, zlib.error, lzma.LZMAError, Warning,
)  # fmt: skip

Header = tuple[tuple[int, ...], np.dtype[Any]]


def open_npz(file: Path, reporter: Reporter | None = None) -> ArraySource:
    """Return the images and labels of an .npz file as a source.

    The arrays are x and y, images and labels (or data and target), each perhaps with _train, _val, _test after it or
    train_, val_, test_ before it; or the only two arrays, distinguished by their shape. An array class_names names the
    labels 0, 1, 2, …

    Raises:
        DataError: damaged, not an .npz file, pickled objects, arrays missing, too large, or contents that do not fit.
    """
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(file) as archive:
            warnings.simplefilter("ignore")  # of old header formats, and of duplicate names
            headers = {
                member.filename.removesuffix(".npy"): _header(file, archive, member)
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
            pairs = find_pairs(file, headers)
            names = _class_names(archive, headers, {label for _, label in pairs.values()})
            _refuse_large(file, headers, pairs)
            arrays = _load_all(archive, headers, [key for pair in pairs.values() for key in pair], reporter)
    except DataError:
        raise
    except MemoryError:
        raise _too_large(file, "arrays", "more memory than there is") from None
    except _DAMAGE as error:
        raise DataError(
            f"`{file}` must be a whole .npz file. Got: {_reason(error)}. Save it again with np.savez."
        ) from None
    stacks, labels, splits = [], [], []
    for split, (image_key, label_key) in pairs.items():
        try:
            stacks.append(as_images(arrays.pop(image_key), image_key))
        except DataError as error:
            raise DataError(f"{file}: {error}") from None
        labels.append(arrays.pop(label_key).reshape(-1))
        splits.append(np.full(len(labels[-1]), split, np.uint8))
        if len(stacks[-1]) != len(labels[-1]) or stacks[-1].shape[1:] != stacks[0].shape[1:]:
            raise DataError(
                f"`{file}` must have one label an image and images of one size. Got {image_key} of the shape "
                f"{stacks[-1].shape} with {counted(len(labels[-1]), 'label')}. Save it again."
            )
    images = stacks[0] if len(stacks) == 1 else np.concatenate(stacks)
    try:
        return from_arrays(
            images,
            np.concatenate(labels),
            splits=np.concatenate(splits),
            classes=names,
            name=str(file),
        )
    except DataError as error:
        raise DataError(f"{file}: {error}") from None


def find_pairs(file: Path, headers: dict[str, Header]) -> dict[int, tuple[str, str]]:
    """Return the names of the images and labels of each split.

    Raises:
        DataError: no such pair.
    """
    keys: dict[tuple[int, str], str] = {}
    for key in headers:
        words = [word for word in re.split(r"[^a-z]+", key.lower()) if word]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), UNASSIGNED)
        rest = [word for word in words if word not in SPLIT_WORDS]
        for kind, synonyms in (("images", _IMAGES), ("labels", _LABELS)):
            if len(rest) == 1 and rest[0] in synonyms:
                keys.setdefault((split, kind), key)
    pairs = {
        split: (keys[split, "images"], keys[split, "labels"])
        for split in sorted({split for split, _ in keys})
        if (split, "images") in keys and (split, "labels") in keys
    }
    if not pairs and len(headers) == 2:
        first, second = sorted(headers, key=lambda key: len(headers[key][0]), reverse=True)
        if len(headers[first][0]) in (3, 4) and len(headers[second][0]) == 1:
            pairs = {UNASSIGNED: (first, second)}
    if not pairs:
        listed = ", ".join(f"{key} {shape}" for key, (shape, _) in list(headers.items())[:10]) or "no array"
        raise DataError(f"`{file}` must hold {_EXPECTED}. Got {listed}. Rename them.")
    if len(pairs) > 1:
        pairs.pop(UNASSIGNED, None)  # beside x_train and x_test, a plain x is redundant or unrelated
    return pairs


def _header(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Header:
    """Return shape and type of a member, after comparing the declared size with its data."""
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(stream)
        declared = math.prod(shape) * kind.itemsize
        there = member.file_size - stream.tell()
    if kind.hasobject:
        raise DataError(
            f"`{file}` must hold plain arrays. Got Python objects in {member.filename}, which are never unpickled. "
            "Save numbers and strings: np.asarray(labels, dtype=str)."
        )
    if declared != there or member.file_size > member.compress_size * _MOST_DEFLATED + 64:
        raise DataError(
            f"`{file}` must be as long as its headers say. Got {member.filename} with {declared:,} bytes declared, "
            f"{there:,} listed, {member.compress_size:,} packed. Save it again."
        )
    return tuple(shape), kind


def _reason(error: Exception) -> str:
    message = str(error) if isinstance(error, _DAMAGED_ZIP) else ""
    if isinstance(error, OSError) and error.errno is not None:
        message = "" if error.errno == errno.EINVAL else error.strerror or ""  # EINVAL: an offset before the start
    return " ".join(message.split())[:100].rstrip(".") or "damaged contents, or a header that cannot be read"


def _refuse_large(file: Path, headers: dict[str, Header], pairs: dict[int, tuple[str, str]]) -> None:
    """Raise DataError if an image, or all arrays together, are too large, before memory is allocated."""
    needed = 0
    for images, labels in pairs.values():
        shape, kind = headers[images]
        refuse_large_images(shape, f"{file}: {images}")
        needed += _bytes(headers[labels]) + _bytes(headers[images])
        if kind != np.uint8 or len(pairs) > 1:
            needed += math.prod(shape)  # a second array, uint8
    available = available_bytes()
    if needed > available:
        most = max((key for pair in pairs.values() for key in pair), key=lambda key: _bytes(headers[key]))
        raise _too_large(file, f"{most}.npy", f"{needed / 1e9:.1f} GB needed and {available / 1e9:.1f} GB available")


def _too_large(file: Path, what: str, size: str) -> DataError:
    return DataError(
        f"`{file}` must fit into the memory that is available. Got {what} with {size}. "
        "Write the images as files into one folder per class instead."
    )


def _bytes(header: Header) -> int:
    shape, kind = header
    return math.prod(shape) * kind.itemsize


def _load_all(
    archive: zipfile.ZipFile, headers: dict[str, Header], keys: Iterable[str], reporter: Reporter | None
) -> dict[str, NDArray[Any]]:
    """Return the arrays, with progress shown if they are large."""
    total = sum(_bytes(headers[key]) for key in keys)
    listener = reporter if reporter is not None and total > _SLOW_BYTES else Silent()
    with listener.task("unpacking arrays", total=total) as task:
        return {key: _load(archive, key, task) for key in keys}


def _load(archive: zipfile.ZipFile, key: str, task: Task | None = None) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as stream:
        counted_stream = _CountedStream(stream, task) if task is not None else stream
        return np.asarray(np.lib.format.read_array(counted_stream, allow_pickle=False))


@final
class _CountedStream:
    """A stream that reports the bytes read as progress."""

    def __init__(self, stream: IO[bytes], task: Task) -> None:
        self._stream, self._task = stream, task

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._stream.read(count)
        self._task.advance(len(data))
        return data


def _class_names(archive: zipfile.ZipFile, headers: dict[str, Header], used: set[str]) -> list[str] | None:
    for key, (shape, kind) in headers.items():
        if key.lower() in _CLASSES and key not in used and len(shape) == 1 and kind.kind == "U":
            names = _load(archive, key)
            refuse_no_text(names)
            return [str(name) for name in names.tolist()]
    return None
