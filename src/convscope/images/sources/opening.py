"""Open any kind of source: the meaning of `DATA` on the command line and in Python."""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import DataError, ParameterError, did_you_mean
from convscope.core.numeric import at_least
from convscope.core.text import counted
from convscope.images.decoding.decoder import EXTENSIONS

from .arrays import ArraySource, from_arrays, refuse_one_in_color, without_labels
from .files import FileSource, unlabeled_files
from .folders import open_folder
from .idx_files import is_idx, open_idx
from .lists import open_list
from .named_datasets import NAMES, open_named_dataset
from .npz import open_npz
from .source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION, Source

if TYPE_CHECKING:
    from convscope.core.progress import Reporter

DataSource: TypeAlias = str | os.PathLike[str] | tuple[ArrayLike, ArrayLike] | NDArray[Any]
"""A folder, list or file, the name of a dataset, or arrays: images and labels, or images alone."""

FILE_SOURCES: dict[str, Callable[[Path, "Reporter | None"], Source]] = {
    **dict.fromkeys((".csv", ".tsv", ".parquet", ".pq"), lambda path, _reporter: open_list(path)),
    ".npz": open_npz,
}
"""What opens a file, by its ending (lower case). To add a kind of file, add one line."""
_DEEPEST = 20  # levels of folders that name a class
_ARCHIVES = {
    ".tar": "tar -xf", ".tgz": "tar -xf", ".tar.gz": "tar -xf", ".tar.bz2": "tar -xf", ".tar.xz": "tar -xf",
    ".zip": "unzip", ".7z": "7z x", ".rar": "unrar x",
}  # fmt: skip


def open_source(
    data: DataSource,
    *,
    data_dir: Path | None = None,
    reporter: "Reporter | None" = None,
    empty_classes: bool = False,
    unlabeled: bool = False,
    known: Collection[str] | None = None,
    class_depth: int | None = None,
    channels: int = 1,
) -> Source:
    """Return the source for `data`.

    Args:
        data: a folder with one sub-folder per class (perhaps inside train/ and val/ or test/); a list (.csv, .tsv,
            .parquet); an .npz file; an IDX file of images or a folder of IDX files; a dataset name (digits, mnist,
            fashion-mnist); or a pair of arrays, images and labels. Existing paths take precedence.
        data_dir: the first folder searched for named datasets.
        reporter: shows the progress of downloads and of unpacking.
        empty_classes: accept class folders without images, and list them in `Source.empty`.
        unlabeled: accept images without classes: a folder in which fewer than two folders have images, a single file,
            or one array N H W (C).
        channels: of the images, 1 or 3, if known.
        known: with `unlabeled`, class names: a folder without a sub-folder of one of these names has images without
            classes, too.
        class_depth: number of folder levels that name a class; None takes one, and refuses ambiguous folders.

    Raises:
        DataError: the data do not exist, or are not a source; the message says what was found.

    Examples:
        >>> import numpy as np
        >>> len(open_source((np.zeros((4, 8, 8)), [0, 1, 0, 1])))
        4
    """
    if class_depth is not None:
        check_class_depth(class_depth, data)
    if unlabeled and isinstance(data, np.ndarray):
        refuse_one_in_color(data, channels=channels)
        return without_labels(data)
    if isinstance(data, tuple):
        if len(data) != 2:
            raise DataError(
                f"`data` must be a pair of arrays, images and labels. Got {counted(len(data), 'value')}. Give two."
            )
        return from_arrays(*data)
    if not isinstance(data, (str, os.PathLike)) or not _is_text(os.fspath(data)):
        arrays = "a pair of arrays" if not unlabeled else "one array, or a pair of arrays, images and labels"
        raise DataError(f"`data` must be a path, the name of a dataset, or {arrays}. Got {type(data).__name__}.")
    text, path = os.fspath(data), Path(data)
    there = text != "" and os.path.lexists(path)
    if there and text in NAMES and reporter is not None:
        reporter.say(f"{text} is read from {path.absolute()}, not the dataset of that name")
    if not there:
        if text in NAMES:
            return open_named_dataset(text, data_dir=data_dir, reporter=reporter)
        raise DataError(
            f"`data` must be an existing path or one of the datasets {', '.join(NAMES)}. "
            f"Got {text!r}, which does not exist.{did_you_mean(text, NAMES) or ' Check the path.'}"
        )
    if path.is_dir():
        if is_idx(path):
            return open_idx(path)
        return open_folder(path, empty_classes=empty_classes, unlabeled=unlabeled, known=known, depth=class_depth)
    if unlabeled and path.is_file() and path.suffix.lower() in EXTENSIONS:
        return unlabeled_files(path.parent, (path.name,), name=str(path))
    return _open_file(path, reporter)


def check_class_depth(class_depth: int, data: Any) -> None:
    """Validate the number of folder levels that name a class.

    Raises:
        ParameterError: it is not from 1 to 20, or `data` is not a folder.
    """
    if at_least(1, "class_depth", class_depth) > _DEEPEST:
        raise ParameterError(f"`class_depth` must be at most {_DEEPEST}. Got {class_depth}.")
    if not isinstance(data, (str, os.PathLike)) or not os.path.isdir(data):
        raise ParameterError(
            f"`class_depth` must come with a folder of class folders. Got {class_depth} with other data. Leave it out."
        )


def depth_for(data: Any, class_depth: int | None, recorded: Any) -> int | None:
    """Return the number of folder levels that name a class: `class_depth`, else the `recorded` one of a model."""
    if class_depth is None and isinstance(data, (str, os.PathLike)) and os.path.isdir(data):
        return recorded if isinstance(recorded, int) and 1 <= recorded <= _DEEPEST else None
    return class_depth


def _is_text(path: object) -> bool:
    return isinstance(path, str) and "\0" not in path


def open_recorded(
    data: str, *, data_dir: Path | None = None, reporter: "Reporter | None" = None, class_depth: int | None = None
) -> Source:
    """Return the source recorded in the settings of a run: a dataset name, even if a path has it, or an absolute path.

    Raises:
        DataError: the data no longer exist, or are not a source.
    """
    if data in NAMES:
        return open_named_dataset(data, data_dir=data_dir, reporter=reporter)
    if os.path.isabs(data) and not os.path.lexists(data):
        raise DataError(
            f"The images of the run are no longer at {data}. If they moved: "
            "convscope train NEW-PLACE --resume RUN (in Python: train(new_place, resume=run))."
        )
    return open_source(data, data_dir=data_dir, reporter=reporter, class_depth=depth_for(data, None, class_depth))


def _open_file(path: Path, reporter: "Reporter | None") -> Source:
    name = path.name.lower()
    if not path.is_file():
        raise DataError(f"`{path}` must be a folder or a file. Got a broken link or a device. Check the path.")
    for ending, opened in FILE_SOURCES.items():
        if name.endswith(ending):
            return opened(path, reporter)
    for ending, command in _ARCHIVES.items():
        if name.endswith(ending):
            raise DataError(
                f"`{path}` must be a folder, a list or arrays. Got an archive. Unpack it first: {command} {path}"
            )
    if name.endswith(".npy"):
        raise DataError(
            f"`{path}` must hold images and labels. Got one array. Save both: np.savez('set.npz', x=images, y=labels)."
        )
    if is_idx(path):
        return open_idx(path)
    if path.suffix.lower() in EXTENSIONS:
        raise DataError(
            f"`{path}` must be a dataset. Got a single image. Give the folder that holds a sub-folder per class."
        )
    raise DataError(
        f"`{path}` must be a folder, a list (.csv, .tsv, .parquet), an .npz file or IDX files. "
        f"Got a file with the extension {path.suffix!r}. Check the path."
    )


__all__ = [
    "FILE_SOURCES",
    "SPLIT_NAMES",
    "TEST",
    "TRAIN",
    "UNASSIGNED",
    "VALIDATION",
    "ArraySource",
    "FileSource",
    "Source",
    "check_class_depth",
    "depth_for",
    "from_arrays",
    "open_recorded",
    "open_source",
    "without_labels",
]
