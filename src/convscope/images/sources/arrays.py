"""Images in one array as a source: validated, in the shape N H W C, without decoding."""

import dataclasses
import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import DataError
from convscope.core.text import counted
from convscope.images.decoding.decoder import Decoded
from convscope.images.decoding.pixel_budget import LIMIT_PIXELS

from .labels import encoding_note, label_indices
from .source import SPLIT_NAMES, Source, no_class, normalize_splits


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ArraySource(Source):
    """Images in one array of numbers N H W C with C = 1, 3 or 4 (RGBA); see `from_arrays` and `without_labels`."""

    images: NDArray[Any]

    def image_name(self, index: int) -> str:
        """Return the split and the index in it, for example "train[17]"."""
        return f"{SPLIT_NAMES[self.splits[index]]}[{self._indices_in_split[index]}]"

    @cached_property
    def _indices_in_split(self) -> NDArray[np.int64]:
        """The index of each image in its split."""
        indices = np.empty(len(self.splits), np.int64)
        for split in np.unique(self.splits):
            inside = self.splits == split
            indices[inside] = np.arange(np.count_nonzero(inside))
        return indices

    def path(self, index: int) -> Path | None:
        """Return None: the images have no files of their own."""
        return None

    def decode(self, index: int, near: tuple[int, int] | None = None) -> Decoded:
        """Return one image of the array."""
        return Decoded(values=self.images[index])

    def stack(self) -> NDArray[Any]:
        """Return all images, N H W C."""
        return self.images

    def fingerprint(self) -> str:
        """Return a hash of all pixels, labels, splits and classes."""
        sums = hashlib.blake2b(digest_size=16)
        sums.update(repr((self.classes, self.images.shape, self.images.dtype.str)).encode())
        for values in (self.images, self.labels, self.splits):
            sums.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
        return sums.hexdigest()


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    splits: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    name: str = "arrays",
    flippable: bool | None = None,
) -> ArraySource:
    """Return images and their labels as a source.

    Args:
        images: N H W or N H W C (C = 1, 3, 4), finite numbers; which of them are black and white is decided once for
            all of them (`convscope.images.values`), uint8 being 0…255.
        labels: N (or N x 1) names or whole numbers.
        splits: N of UNASSIGNED, TRAIN, VALIDATION, TEST.
        classes: names for the labels 0, 1, 2, …; without them each label is named by itself.
        name: for the user.
        flippable: whether flips left-right keep the class.

    Raises:
        DataError: the shapes or kinds do not fit.

    Examples:
        >>> source = from_arrays(np.zeros((3, 8, 8)), ["cat", "dog", "cat"])
        >>> source.classes, source.labels, source.stack().shape
        (('cat', 'dog'), array([0, 1, 0]), (3, 8, 8, 1))
    """
    array, label_array = _as_array(images, "images"), _as_array(labels, "labels")
    one_each = array.ndim == 3 and len(array) == label_array.size  # as many labels: they are gray, however narrow
    images = as_images(array[..., None] if one_each else array)
    names, indices = label_indices(label_array, classes, name)
    if len(indices) != len(images):
        raise DataError(
            f"`labels` must have one label an image. Got {len(indices):,} for {counted(len(images), 'image')}."
        )
    split_indices = np.zeros(len(indices), np.uint8) if splits is None else np.asarray(splits).astype(np.uint8)
    if split_indices.shape != indices.shape or split_indices.max(initial=0) >= len(SPLIT_NAMES):
        raise DataError(f"`splits` must have one value from 0 to 3 an image. Got the shape {split_indices.shape}.")
    split_indices = normalize_splits(split_indices, name)
    return ArraySource(
        name=name,
        images=images,
        classes=names,
        labels=indices,
        splits=split_indices,
        flippable=flippable,
        notes=tuple(encoding_note(label_array)),
    )


def _as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        rule = "images of one size" if name == "images" else "one name or number an image"
        raise DataError(
            f"`{name}` must be {rule}, as one array. Got a list of different shapes. Make them alike, or save the "
            "images as files."
        ) from None


def without_labels(images: NDArray[Any]) -> ArraySource:
    """Return unlabeled images as a source; `images` as `from_arrays` takes them.

    Raises:
        DataError: the shape, kind or values do not fit; so does what looks like one image with channels.

    Examples:
        >>> without_labels(np.zeros((3, 8, 8))).labeled
        False
    """
    images = as_images(images)
    return ArraySource(name="arrays", images=images, **no_class(len(images)))


def refuse_one_in_color(
    images: NDArray[Any], name: str = "images", *, channels: int = 1, size: tuple[int, int] | None = None
) -> None:
    """Validate that an array of three axes is not a single color image, which would count as many gray ones.

    Args:
        images: N H W, or N H W C.
        name: of the argument.
        channels: of what takes the images: only where that is color are channels looked for in front.
        size: (height, width) of what takes them: arrays of that are gray ones.

    Raises:
        DataError: it looks like H W C, or like C H W.
    """
    if images.ndim != 3:
        return
    if images.shape[2] in (3, 4) and images.shape[1:] != size:
        reshaped = f"{name}[None]"
    elif channels == 3 and images.shape[0] in (3, 4):
        reshaped = f"np.moveaxis({name}, 0, -1)[None]"
    else:
        return
    raise DataError(
        f"`{name}` must be images, N H W or N H W C. Got {images.shape}, which looks like one in color. Give "
        f"{reshaped} for one image, {name}[..., None] for gray ones of that shape."
    )


def as_images(images: NDArray[Any], name: str = "images") -> NDArray[Any]:
    """Return an array of images as numbers N H W C, not copied but for truth values, which become 0 and 255.

    Raises:
        DataError: not N H W (C), no images, no numbers, or NaN or infinity among them; so is what looks like one
            image in color.
    """
    refuse_one_in_color(images, name)
    if images.ndim == 3:
        images = images[..., None]  # N H W -> N H W 1
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        first = images.ndim == 4 and images.shape[1] in (1, 3, 4)
        advice = f"The channels come last: np.moveaxis({name}, 1, -1)" if first else "Reshape them"
        raise DataError(
            f"`{name}` must have the shape N H W or N H W C with 1, 3 or 4 channels. Got {images.shape}. {advice}."
        )
    if 0 in images.shape:
        raise DataError(f"`{name}` must have at least one image of at least one pixel. Got the shape {images.shape}.")
    refuse_large_images(images.shape, name)
    if images.dtype.kind == "b":
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "iuf":
        raise DataError(f"`{name}` must hold numbers. Got {images.dtype}. Convert them to uint8.")
    if images.dtype.kind == "f" and not all(np.isfinite(image).all() for image in images):
        raise DataError(f"`{name}` must hold finite numbers. Got NaN or infinity. Replace them.")
    return images


def refuse_large_images(shape: tuple[int, ...], name: str) -> None:
    """Raise DataError where the images of an array N H W (C) have more pixels than one from a file may have."""
    if len(shape) in (3, 4) and shape[1] * shape[2] > LIMIT_PIXELS:
        raise DataError(
            f"`{name}` must hold images of at most {LIMIT_PIXELS:,} pixels. "
            f"Got images of {shape[2]:,} x {shape[1]:,}. Cut them up or scale them down."
        )
