"""Labels of any kind, names or numbers, as class names and the index of each label among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError

from .naming import natural_key


def encode_labels(labels: Sequence[str], name: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes in natural order and the index of each label.

    Raises:
        DataError: fewer than two classes.

    Examples:
        >>> encode_labels(["dog", "cat", "dog"], "pets/")
        (('cat', 'dog'), array([1, 0, 1]))
    """
    classes = tuple(sorted(set(labels), key=natural_key))
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no picture"
        raise DataError(
            f"`{name}` must have at least two classes. Got {found} ({len(labels):,} pictures). Add another."
        )
    places = {label: place for place, label in enumerate(classes)}
    return classes, np.fromiter((places[label] for label in labels), np.int64, len(labels))


def label_places(
    labels: NDArray[Any], classes: Sequence[str] | None, name: str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names of the classes and the class index of each label, int64 N.

    Raises:
        DataError: not N or N x 1, neither names nor whole numbers, or numbers without a name in `classes`.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"`labels` must have the shape N. Got {labels.shape}. Give one label a picture.")
    values, places = _unique(labels)
    texts = _texts(values)
    if classes is None or not set(texts) - set(classes):
        names, new_places = encode_labels(texts, name)
        return names, new_places[places]
    names = tuple(str(kind) for kind in classes)
    if values.dtype.kind not in "iu" or not 0 <= int(values[0]) <= int(values[-1]) < len(names):
        stranger = min(set(texts) - set(names), key=natural_key)
        raise DataError(
            f"`labels` must be class names or their places 0 to {len(names) - 1}. "
            f"Got {stranger!r} ({len(names)} classes are named). Name every class."
        )
    return names, labels.astype(np.int64)


def _unique(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the sorted different labels and the place of each label among them."""
    if labels.dtype.kind == "O" and all(isinstance(label, (str, int, np.integer)) for label in labels):
        labels = np.array([str(label) for label in labels])
    try:
        values, places = np.unique(labels, return_inverse=True)
    except TypeError:  # objects without an order
        raise _bad_labels(labels) from None
    return values, places.astype(np.int64)


def _texts(values: NDArray[Any]) -> list[str]:
    kind = values.dtype.kind
    if kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return [str(int(value)) for value in values]
    if kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    if kind in "iubU":
        return [str(value) for value in values.tolist()]
    raise _bad_labels(values)


def _bad_labels(labels: NDArray[Any]) -> DataError:
    return DataError(f"`labels` must be names or whole numbers. Got {labels.dtype}. Convert them.")
