"""Labels of any kind, names or numbers, as class names and class indices."""

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.text import counted, printable

from .naming import natural_key
from .text_encoding import as_cp1252


def encode_labels(labels: Sequence[str], name: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes in natural order and the index of each label.

    Raises:
        DataError: fewer than two classes.

    Examples:
        >>> encode_labels(["dog", "cat", "dog"], "pets/")
        (('cat', 'dog'), array([1, 0, 1]))
    """
    labels = [as_label(label) for label in labels]
    classes = tuple(sorted(set(labels), key=natural_key))
    if len(classes) < 2:
        raise _too_few(classes, len(labels), name)
    indices = {label: index for index, label in enumerate(classes)}
    return classes, np.fromiter((indices[label] for label in labels), np.int64, len(labels))


def label_indices(
    labels: NDArray[Any], classes: Sequence[str] | None, name: str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names of the classes and the class index of each label, int64 N.

    Raises:
        DataError: not N or N x 1, neither names nor whole numbers, or numbers without a name in `classes`.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"`labels` must have the shape N. Got {labels.shape}. Give one label an image.")
    refuse_no_text(labels)
    values, indices = _unique(labels)
    texts = [as_label(text) for text in _texts(values)]
    if len(set(texts)) < 2:
        raise _too_few(texts, len(labels), name)
    if classes is None:  # numbers come sorted from _unique, names are sorted here
        names = tuple(texts if values.dtype.kind in "iufb" else sorted(set(texts), key=natural_key))
    else:
        names = tuple(as_label(str(kind)) for kind in classes)
        if values.dtype.kind in "iu" and 0 <= int(values[0]) <= int(values[-1]) < len(names):
            return names, labels.astype(np.int64)
        strangers = [text for text in texts if text not in names]
        if strangers:
            raise DataError(
                f"`labels` must be class names or indices 0 to {len(names) - 1}. "
                f"Got {strangers[0]!r} (named: {counted(len(names), 'class', 'classes')}). Name every class."
            )
    class_indices = np.array([names.index(text) for text in texts], np.int64)
    return names, class_indices[indices]


def refuse_no_text(labels: NDArray[Any]) -> None:
    """Validate an array of texts: a number that is not a character would raise a SystemError in Python.

    Raises:
        DataError: there is such a number.
    """
    if labels.dtype.kind != "U" or labels.size == 0 or labels.dtype.itemsize == 0:
        return
    order = labels.dtype.byteorder.replace("|", "=")
    greatest = int(np.ascontiguousarray(labels).reshape(-1).view(f"{order}u4").max())
    if greatest > sys.maxunicode:
        raise DataError(
            f"`labels` must be texts. Got the number {greatest:,}, which is not a character. Save them again."
        )


def as_label(text: str) -> str:
    """Return the name of a class in Unicode form NFC, so that names that look the same are the same."""
    return unicodedata.normalize("NFC", text)


def _too_few(classes: Sequence[str], images: int, name: str) -> DataError:
    classes_text = f"only the class {classes[0]!r}" if classes else "no image"
    return DataError(
        f"`{name}` must have at least two classes. Got {classes_text} ({counted(images, 'image')}). Add another."
    )


def _unique(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the sorted distinct labels, and the index of each label among them."""
    if labels.dtype.kind == "O" and all(isinstance(label, (str, int, np.integer)) for label in labels):
        labels = np.array([str(label) for label in labels])
    try:
        values, indices = np.unique(labels, return_inverse=True)
    except TypeError:  # objects without an order
        raise _bad_labels(labels) from None
    return values, indices.astype(np.int64)


def _texts(values: NDArray[Any]) -> list[str]:
    kind = values.dtype.kind
    if kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return [str(int(value)) for value in values]
    if kind == "S":
        return [_decoded(value) for value in values.tolist()]
    if kind in "iubU":
        return [str(value) for value in values.tolist()]
    raise _bad_labels(values)


def _decoded(label: bytes) -> str:
    """Return bytes as text: UTF-8, else Windows-1252, as in lists."""
    text = as_cp1252(label.decode("utf-8", "surrogateescape"))
    return label.decode("utf-8", "backslashreplace") if text is None else text


def encoding_note(labels: NDArray[Any]) -> list[str]:
    """Return a note if labels are bytes that are not UTF-8."""
    if labels.dtype.kind != "S":
        return []
    for label in np.unique(labels).tolist():
        text = _decoded(label)
        if text.encode() != label:
            return [f"labels are not UTF-8 and are read as Windows-1252 (cp1252), such as {printable(text)}"]
    return []


def _bad_labels(labels: NDArray[Any]) -> DataError:
    return DataError(f"`labels` must be names or whole numbers. Got {labels.dtype}. Convert them.")
