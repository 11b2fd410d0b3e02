"""A list of pictures, CSV, TSV or Parquet with the columns path, label and perhaps split, as a source."""

import csv
import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convscope.core.errors import DataError, did_you_mean
from convscope.core.extras import optional

from .files import FileSource
from .pictures import EXTENSIONS
from .source import SPLIT_WORDS, UNASSIGNED, encode_labels, settle_splits

COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "picture"),
    "label": ("label", "class", "target", "category", "class_name", "labels"),
    "split": ("split", "set", "subset", "partition"),
}
"""The columns that are used, each with the names it may have (in any case)."""

_DELIMITERS = ",;\t"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a list, as text: `place` is its line (CSV) or row (Parquet), counted from 1."""

    place: int
    path: str
    label: str
    split: str = ""


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


def read_csv(file: Path) -> list[Row]:
    """Return the rows of a CSV or TSV file; bad text raises DataError."""
    text = _text(file)
    first = text.lstrip("\r\n").partition("\n")[0]
    tabs = file.suffix.lower() == ".tsv" or "\t" in first
    delimiter = "\t" if tabs else max(_DELIMITERS, key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    columns: dict[str, int] | None = None
    width = 0
    try:
        start = 1
        for cells in reader:
            place, start = start, reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if columns is None:
                columns, is_header = _csv_columns(file, cells)
                width = len(cells)
                if is_header:
                    continue
            if len(cells) != width:
                raise DataError(
                    f"`{file}` must have {width} columns in every line. Got {len(cells)} in line {place}. "
                    "Quote values that hold the delimiter."
                )
            rows.append(Row(place=place, **{column: cells[at] for column, at in columns.items()}))
    except csv.Error as error:
        raise DataError(
            f"`{file}` must be a CSV file. Got {error} near line {reader.line_num}. Check its quotes."
        ) from None
    return rows


def read_parquet(file: Path) -> list[Row]:
    """Return the rows of a Parquet file; only the columns that are used are read."""
    parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    try:
        with parquet.ParquetFile(file) as table_file:
            names = list(table_file.schema_arrow.names)
            columns = find_columns(file, names)
            table = table_file.read(columns=[names[at] for at in columns.values()])
            values = {column: table.column(names[at]).to_pylist() for column, at in columns.items()}
    except DataError:
        raise
    except (OSError, ValueError, LookupError, NotImplementedError, MemoryError) as error:  # ArrowException are these
        reason = " ".join(str(error).split())[:100]
        raise DataError(f"`{file}` must be a Parquet file. Got {reason}. Write it again.") from None
    splits = values.get("split", [""] * len(values["path"]))
    return [
        Row(place=place, path=_plain(file, place, path), label=_plain(file, place, label), split=split or "")
        for place, (path, label, split) in enumerate(zip(values["path"], values["label"], splits, strict=True), 1)
    ]


def find_columns(file: Path, names: Sequence[str]) -> dict[str, int]:
    """Return where path, label and perhaps split stand among the `names` of the columns.

    Raises:
        DataError: path or label is missing, or two columns could be it.
    """
    lower = [name.strip().lower() for name in names]
    found: dict[str, int] = {}
    for column, synonyms in COLUMNS.items():
        places = [place for place, name in enumerate(lower) if name in synonyms]
        exact = [place for place in places if lower[place] == column]
        if len(places) > 1 and len(exact) != 1:
            both = ", ".join(repr(names[place]) for place in places)
            raise DataError(f"`{file}` must have one column {column}. Got {both}. Name one of them {column!r}.")
        if places:
            found[column] = exact[0] if exact else places[0]
        elif column != "split":
            meant = next(filter(None, (did_you_mean(name, synonyms) for name in lower)), "")
            listed = ", ".join(repr(name) for name in names[:10])
            raise DataError(f"`{file}` must have the columns path and label. Got {listed}; {column} is missing.{meant}")
    return found


def _csv_columns(file: Path, cells: list[str]) -> tuple[dict[str, int], bool]:
    """Return the columns by the first line, and whether that line is a header."""
    known = {synonym for synonyms in COLUMNS.values() for synonym in synonyms}
    is_picture = os.path.splitext(cells[0])[1].lower() in EXTENSIONS
    if is_picture and not known & {cell.lower() for cell in cells}:
        if len(cells) not in (2, 3):
            raise DataError(
                f"`{file}` must have a header, or the columns path, label and perhaps split. "
                f"Got {len(cells)} columns without a header. Add a first line with their names."
            )
        return dict(zip(COLUMNS, range(len(cells)), strict=False)), False
    return find_columns(file, cells), True


def _refuse_bad_rows(file: Path, rows: Iterable[Row]) -> None:
    """Raise DataError naming the first bad row and how many more there are."""
    rows = list(rows)
    some_split = any(row.split for row in rows)
    bad = [(row.place, reason) for row in rows if (reason := _bad(row, some_split))]
    if bad:
        more = f" (and {len(bad) - 1:,} more bad rows)" if len(bad) > 1 else ""
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


def _plain(file: Path, place: int, value: Any) -> str:
    """Return a value of a Parquet column as text; "" for null."""
    if value is None:
        return ""
    if isinstance(value, (str, int)):
        return str(value)
    kind = type(value).__name__
    raise DataError(f"`{file}` must have text paths and text or whole labels. Got {kind} in row {place}. Convert it.")


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"`{file}` must be a file that can be read. Got: {error.strerror}. Check it.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # as Excel's "Unicode text"
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape")  # bytes of names that are not UTF-8 stay what they are
