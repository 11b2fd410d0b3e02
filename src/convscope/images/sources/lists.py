"""A list of images, CSV, TSV or Parquet with the columns path, label and perhaps split, as a source."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted, printable

from .files import FileSource
from .labels import encode_labels
from .rows import ListRow, read_csv, read_parquet
from .source import UNASSIGNED, normalize_splits
from .split_names import UNLABELED, plain_split
from .text_encoding import as_cp1252
from .written_paths import meant_path, path_hint


def open_list(file: Path) -> FileSource:
    """Return the images listed in a CSV, TSV or Parquet file as a source.

    A CSV file may have a header with the names in `COLUMNS` (others are ignored), or two or three columns in the
    order path, label, split without one; commas, semicolons or tabs; UTF-8 or UTF-16. Relative paths start at the
    folder of the list; absolute paths and ".." are followed, because the list is the user's own. A missing file stays
    in the source, and is unreadable when decoded.

    Raises:
        DataError: the list cannot be read, a column is missing, a row is bad (named with its line), no file is there,
            or there are fewer than two classes.
    """
    rows = read_parquet(file) if file.suffix.lower() in (".parquet", ".pq") else read_csv(file)
    if not rows:
        raise DataError(f"`{file}` must name at least one image. Got no rows. Add lines with path and label.")
    _refuse_bad_rows(file, rows)
    texts, notes = _read_labels(file, rows)
    root = file.parent
    paths = [meant_path(os.fspath(root), row.path) for row in rows]
    if not any(os.path.exists(os.path.join(root, path)) for path in paths):
        raise DataError(
            f"`{file}` must name files that are there. Got {len(rows):,} paths and none of them is, for example "
            f"{rows[0].path!r}. Relative paths start at the folder of the list; check them.{path_hint(rows[0].path)}"
        )
    classes, labels = encode_labels(texts, str(file))
    splits = np.array([_split(row.split) or UNASSIGNED for row in rows], np.uint8)
    return FileSource(
        name=str(file),
        root=root,
        files=tuple(paths),
        classes=classes,
        labels=labels,
        splits=normalize_splits(splits, str(file)),
        notes=tuple(notes),
    )


def _read_labels(file: Path, rows: Sequence[ListRow]) -> tuple[list[str], list[str]]:
    """Return the labels, and a note if some are not UTF-8, and are read as Windows-1252.

    Raises:
        DataError: a label is in neither encoding.
    """
    texts, example = [], ""
    for row in rows:
        text = as_cp1252(row.label)
        if text is None:
            raise DataError(
                f"`{file}` must be UTF-8. Got the label {printable(row.label)} in line {row.line_number}, which is "
                "not, nor is it Windows-1252. Save it again, as CSV UTF-8."
            )
        example = example or (text if text != row.label else "")
        texts.append(text)
    if not example:
        return texts, []
    note = (
        f"{printable(str(file))} is not UTF-8: labels are read as Windows-1252 (cp1252), such as {printable(example)}"
    )
    return texts, [f"{note}; where that is wrong, save it as CSV UTF-8"]


def _split(word: str) -> int | None:
    """Return the split for a cell of the list; None if it names none."""
    split = plain_split(word)
    return None if split == UNLABELED else split


def _refuse_bad_rows(file: Path, rows: Sequence[ListRow]) -> None:
    """Raise DataError with the first bad row and the number of others."""
    some_split = any(row.split for row in rows)
    bad = [(row.line_number, reason) for row in rows if (reason := _bad(row, some_split))]
    if bad:
        more = f" (and {counted(len(bad) - 1, 'more bad row')})" if len(bad) > 1 else ""
        raise DataError(
            f"`{file}` must have a path, a label and, if splits are given, a split in every row. "
            f"Got {bad[0][1]} in line {bad[0][0]}{more}. Correct it."
        )


def _bad(row: ListRow, some_split: bool) -> str:
    if not row.path:
        return "no path"
    if "\0" in row.path:
        return "a path with a zero byte"
    if not row.label:
        return "no label"
    if some_split and not row.split:
        return "no split"
    if row.split and _split(row.split) is None:
        return f"the split {row.split!r}, which is not train, val or test"
    return ""
