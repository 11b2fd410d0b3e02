"""A list of pictures, CSV, TSV or Parquet with the columns path, label and perhaps split, as a source."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted

from .files import FileSource
from .labels import encode_labels
from .rows import Row, read_csv, read_parquet
from .source import SPLIT_WORDS, UNASSIGNED, settle_splits


def open_list(file: Path) -> FileSource:
    """Return the pictures that a CSV, TSV or Parquet file names as a source.

    A CSV file may have a header with the names in `COLUMNS` (others are passed over), or two or three columns in the
    order path, label, split without one; commas, semicolons or tabs; UTF-8 or UTF-16. Relative paths start at the
    folder of the list; absolute paths and ".." are followed, for the list is the user's own. A file that is missing
    stays in the source and is found unreadable when decoded.

    Raises:
        DataError: the list cannot be read, a column is missing, a row is bad (named with its line), no file is there,
            or there are fewer than two classes.
    """
    rows = read_parquet(file) if file.suffix.lower() in (".parquet", ".pq") else read_csv(file)
    if not rows:
        raise DataError(f"`{file}` must name at least one picture. Got no rows. Add lines with path and label.")
    _refuse_bad_rows(file, rows)
    root = file.parent
    if not any(os.path.exists(os.path.join(root, row.path)) for row in rows):
        raise DataError(
            f"`{file}` must name files that are there. Got {len(rows):,} paths and none of them is, "
            f"for example {rows[0].path!r}. Relative paths start at the folder of the list; check them."
        )
    classes, labels = encode_labels([row.label for row in rows], str(file))
    splits = np.array([SPLIT_WORDS.get(row.split.lower(), UNASSIGNED) for row in rows], np.uint8)
    return FileSource(
        name=str(file),
        root=root,
        files=tuple(row.path for row in rows),
        classes=classes,
        labels=labels,
        splits=settle_splits(splits, str(file)),
    )


def _refuse_bad_rows(file: Path, rows: Sequence[Row]) -> None:
    """Raise DataError naming the first bad row and how many more there are."""
    some_split = any(row.split for row in rows)
    bad = [(row.place, reason) for row in rows if (reason := _bad(row, some_split))]
    if bad:
        more = f" (and {counted(len(bad) - 1, 'more bad row')})" if len(bad) > 1 else ""
        raise DataError(
            f"`{file}` must have a path, a label and, if splits are given, a split in every row. "
            f"Got {bad[0][1]} in line {bad[0][0]}{more}. Mend it."
        )


def _bad(row: Row, some_split: bool) -> str:
    if not row.path:
        return "no path"
    if "\0" in row.path:
        return "a path with a zero byte"
    if not row.label:
        return "no label"
    if some_split and not row.split:
        return "no split"
    if row.split and row.split.lower() not in SPLIT_WORDS:
        return f"the split {row.split!r}, which is none of train, val, test"
    return ""
