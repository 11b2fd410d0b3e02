"""IDX files named like those of MNIST, as a source: each file of images beside the file of its labels."""

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted

from .arrays import ArraySource, from_arrays, refuse_large_images
from .idx import idx_header, read_idx, refuse_beyond_memory, starts_as_idx
from .source import SPLIT_NAMES, SPLIT_WORDS, TEST, UNASSIGNED

_IMAGES = re.compile(r"(?P<part>.*?)(?P<kind>images?)(?P<rest>[-._]idx[34](?:[-._]ubyte)?)(?P<gz>\.gz)?", re.IGNORECASE)


def open_idx(path: Path) -> ArraySource:
    """Return the images of a folder of IDX files, or of one images file with its labels file beside it.

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
    return read_splits(files, str(path))


def read_splits(
    files: dict[int, Path], name: str, *, classes: tuple[str, ...] | None = None, flippable: bool | None = None
) -> ArraySource:
    """Return the files of images by split, with the labels beside them, as one source."""
    headers = [_image_header(file, name) for file in files.values()]
    shapes = [shape for shape, _ in headers]
    if len({shape[1:] for shape in shapes}) > 1:
        raise DataError(f"`{name}` must have images of one size. Got the shapes {shapes}. Give a single split.")
    kind = np.result_type(*(kind.newbyteorder("=") for _, kind in headers))
    total = sum(math.prod(shape) for shape in shapes)
    refuse_beyond_memory(next(iter(files.values())), total * kind.itemsize)
    images = np.empty((sum(shape[0] for shape in shapes), *shapes[0][1:]), kind)
    labels, splits, start = [], [], 0
    for (split, file), shape in zip(files.items(), shapes, strict=True):
        block = images[start : start + shape[0]]
        values = read_idx(file, out=block)
        if values is not block:
            block[:] = values.reshape(block.shape)
        labels.append(read_idx(labels_file(file)))
        if labels[-1].shape != shape[:1]:
            raise DataError(
                f"`{file}` must have one label an image. Got {counted(shape[0], 'image')} "
                f"and labels of the shape {labels[-1].shape}. Get both again."
            )
        splits.append(np.full(shape[0], split, np.uint8))
        start += shape[0]
    return from_arrays(
        images, np.concatenate(labels), splits=np.concatenate(splits), classes=classes, name=name, flippable=flippable
    )


def find_idx(folder: Path) -> dict[int, Path]:
    """Return the images files in `folder` by split; a plain file goes before its gzipped twin."""
    files: dict[int, Path] = {}
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
        if split in files and files[split].name + ".gz" != name:
            raise DataError(
                f"`{folder}/` must have one IDX file for {SPLIT_NAMES[split]}. Got {files[split].name} and {name}. "
                "Give one of the files alone."
            )
        files.setdefault(split, folder / name)
    return dict(sorted(files.items()))


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
    return bool(_IMAGES.fullmatch(path.name)) or starts_as_idx(path)


def _image_header(file: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape, kind = idx_header(file)
    if len(shape) not in (3, 4) or 0 in shape:
        raise DataError(f"`{name}` must hold images of the shape N H W. Got {shape} in {file.name}. Check the files.")
    refuse_large_images(shape, f"{name}: {file.name}")
    return shape, kind
