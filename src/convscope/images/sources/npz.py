"""Arrays saved with ``np.savez``, as a source: checked by their headers before memory is taken, never unpickled."""

import math
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.text import counted

from .arrays import ArraySource, as_images, from_arrays
from .source import SPLIT_WORDS, UNASSIGNED

_IMAGES = ("x", "images", "image", "data", "imgs")
_LABELS = ("y", "labels", "label", "target", "targets", "classes")
_CLASSES = ("class_names", "classes", "names", "target_names")
_EXPECTED = "x and y, images and labels, or x_train, y_train, x_test, y_test"
_MOST_DEFLATED = 1032
_DAMAGE = (
    OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError, NotImplementedError, MemoryError, SyntaxError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip

Header = tuple[tuple[int, ...], np.dtype[Any]]


def open_npz(file: Path) -> ArraySource:
    """Return the pictures and labels of an .npz file as a source.

    The arrays are x and y, images and labels (or data and target), each perhaps with _train, _val, _test behind it or
    train_, val_, test_ before it; or the only two arrays, told apart by their shape. An array class_names names the
    labels 0, 1, 2, …

    Raises:
        DataError: damaged, not an .npz file, pickled objects, arrays missing, or contents that do not fit.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            headers = {
                member.filename.removesuffix(".npy"): _header(file, archive, member)
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
            pairs = find_pairs(file, headers)
            names = _class_names(archive, headers, {label for _, label in pairs.values()})
            arrays = {key: _load(archive, key) for pair in pairs.values() for key in pair}
    except DataError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"`{file}` must be a whole .npz file. Got: {reason}. Save it again with np.savez.") from None
    images, labels, splits = [], [], []
    for split, (image_key, label_key) in pairs.items():
        try:
            images.append(as_images(arrays.pop(image_key), image_key))
        except DataError as error:
            raise DataError(f"{file}: {error}") from None
        labels.append(arrays.pop(label_key).reshape(-1))
        splits.append(np.full(len(labels[-1]), split, np.uint8))
        if len(images[-1]) != len(labels[-1]) or images[-1].shape[1:] != images[0].shape[1:]:
            raise DataError(
                f"`{file}` must have one label an image and images of one size. Got {image_key} of the shape "
                f"{images[-1].shape} with {counted(len(labels[-1]), 'label')}. Save it again."
            )
    pictures = images[0] if len(images) == 1 else np.concatenate(images)
    try:
        return from_arrays(
            pictures,
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
    found: dict[tuple[int, str], str] = {}
    for key in headers:
        words = [word for word in re.split(r"[^a-z]+", key.lower()) if word]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), UNASSIGNED)
        rest = [word for word in words if word not in SPLIT_WORDS]
        for kind, synonyms in (("images", _IMAGES), ("labels", _LABELS)):
            if len(rest) == 1 and rest[0] in synonyms:
                found.setdefault((split, kind), key)
    pairs = {
        split: (found[split, "images"], found[split, "labels"])
        for split in sorted({split for split, _ in found})
        if (split, "images") in found and (split, "labels") in found
    }
    if not pairs and len(headers) == 2:
        first, second = sorted(headers, key=lambda key: len(headers[key][0]), reverse=True)
        if len(headers[first][0]) in (3, 4) and len(headers[second][0]) == 1:
            pairs = {UNASSIGNED: (first, second)}
    if not pairs:
        listed = ", ".join(f"{key} {shape}" for key, (shape, _) in list(headers.items())[:10]) or "no array"
        raise DataError(f"`{file}` must hold {_EXPECTED}. Got {listed}. Rename them.")
    if len(pairs) > 1:
        pairs.pop(UNASSIGNED, None)  # beside x_train and x_test, a plain x is the same again or something else
    return pairs


def _header(file: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Header:
    """Return shape and type of a member after comparing what it declares with what is there."""
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
    if declared > memory_bytes():
        raise DataError(
            f"`{file}` must fit into memory. Got {member.filename} with {declared / 1e9:.1f} GB. "
            "Write the pictures as files into one folder a class instead."
        )
    return tuple(shape), kind


def _load(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def _class_names(archive: zipfile.ZipFile, headers: dict[str, Header], used: set[str]) -> list[str] | None:
    for key, (shape, kind) in headers.items():
        if key.lower() in _CLASSES and key not in used and len(shape) == 1 and kind.kind == "U":
            return [str(name) for name in _load(archive, key).tolist()]
    return None


def memory_bytes() -> int:
    """Return the physical memory of this machine, or a very large number where it cannot be asked."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 1 << 62
