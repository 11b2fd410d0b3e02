"""The rows of a list of images, from CSV, TSV or Parquet, and the meaning of its columns."""

import csv
import dataclasses
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convscope.core.errors import DataError, did_you_mean
from convscope.core.extras import optional
from convscope.core.memory import available_bytes
from convscope.core.text import counted
from convscope.images.decoding.decoder import EXTENSIONS

from .text_encoding import decoded

COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "image"),
    "label": ("label", "class", "target", "category", "class_name", "labels"),
    "split": ("split", "set", "subset", "partition"),
}
"""The columns that are used, each with its possible names (in any case)."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_DELIMITERS = ",;\t"
_DECLARATION = re.compile(r'[\r\n]*"?sep=([^\w\s"]|\t| )"?[,;]*(?:\r\n|\r|\n)', re.IGNORECASE)
_ROW_BYTES = 400  # approximate memory of a row
_DAMAGE = (
    OSError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RuntimeError, MemoryError, EOFError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListRow:
    """One row of a list, as text: `line_number` is its line (CSV) or row (Parquet), counted from 1."""

    line_number: int
    path: str
    label: str
    split: str = ""


def read_csv(file: Path) -> list[ListRow]:
    """Return the rows of a CSV or TSV file.

    Raises:
        DataError: the text is not valid CSV.
    """
    text = csv_text(file)
    if strange := _CONTROL.search(text):
        raise DataError(
            f"`{file}` must be a CSV file, which is text. Got the control character {strange[0]!r}. Check the path."
        )
    skipped, declaration = 0, _DECLARATION.match(text)
    if declaration:  # as Excel writes it
        text, skipped = text[declaration.end() :], text[: declaration.end()].count("\n") or 1
    first = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    tabs = file.suffix.lower() == ".tsv" or "\t" in first
    delimiter = declaration[1] if declaration else "\t" if tabs else max(_DELIMITERS, key=first.count)
    lines = io.StringIO(text, newline="")  # CSV lines do not end at U+2028 or a form feed
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows: list[ListRow] = []
    columns: dict[str, int] | None = None
    width = 0
    try:
        start = 1 + skipped
        for line in reader:
            line_number, start = start, reader.line_num + skipped + 1
            cells = [cell.strip() for cell in line]
            if not any(cells):
                continue
            if columns is None:
                columns, is_header = _csv_columns(file, cells)
                width = len(cells)
                if is_header:
                    continue
            if len(cells) != width:
                raise DataError(
                    f"`{file}` must have {counted(width, 'column')} in every line. Got {len(cells)} in line "
                    f"{line_number}. Quote values that hold the delimiter."
                )
            rows.append(ListRow(line_number=line_number, **{column: cells[at] for column, at in columns.items()}))
    except csv.Error as error:
        raise DataError(
            f"`{file}` must be a CSV file. Got {error} near line {reader.line_num + skipped}. Check its quotes."
        ) from None
    return rows


def read_parquet(file: Path) -> list[ListRow]:
    """Return the rows of a Parquet file; only the columns that are used are read."""
    parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
    arrow = optional("pyarrow", needed_for="Parquet files", extra="parquet")
    try:
        with parquet.ParquetFile(file) as table_file:
            names = list(table_file.schema_arrow.names)
            columns = find_columns(file, names)
            _refuse_long(file, table_file.metadata.num_rows)
            table = table_file.read(columns=[names[at] for at in columns.values()])
            values = {column: table.column(names[at]).to_pylist() for column, at in columns.items()}
    except DataError:
        raise
    except (*_DAMAGE, arrow.ArrowException) as error:
        reason = f"{' '.join(str(error).split())[:100].partition('. ')[0].rstrip('.')}."
        raise DataError(f"`{file}` must be a whole Parquet file. Got: {reason} Write it again.") from None
    splits = values.get("split", [""] * len(values["path"]))
    return [
        ListRow(
            line_number=line_number,
            path=_plain(file, line_number, path),
            label=_plain(file, line_number, label),
            split=_plain(file, line_number, split),
        )
        for line_number, (path, label, split) in enumerate(zip(values["path"], values["label"], splits, strict=True), 1)
    ]


def _refuse_long(file: Path, rows: int) -> None:
    """Raise DataError if the rows do not fit into memory: a file of a few kB may declare billions."""
    available = available_bytes()
    if rows * _ROW_BYTES > available:
        raise DataError(
            f"`{file}` must fit into the memory that is available. Got {counted(rows, 'row')} and "
            f"{available / 1e9:.1f} GB. Give a shorter list."
        )


def find_columns(file: Path, names: Sequence[str]) -> dict[str, int]:
    """Return the indices of path, label and perhaps split among the `names` of the columns.

    Raises:
        DataError: path or label is missing, or two columns match.
    """
    lower = [name.strip().lower() for name in names]
    columns: dict[str, int] = {}
    for column, synonyms in COLUMNS.items():
        matches = [line_number for line_number, name in enumerate(lower) if name in synonyms]
        exact = [line_number for line_number in matches if lower[line_number] == column]
        if len(matches) > 1 and len(exact) != 1:
            both = ", ".join(repr(names[line_number]) for line_number in matches)
            raise DataError(f"`{file}` must have one column {column}. Got {both}. Name one of them {column!r}.")
        if matches:
            columns[column] = exact[0] if exact else matches[0]
        elif column != "split":
            meant = next(filter(None, (did_you_mean(name, synonyms) for name in lower)), "")
            listed = ", ".join(repr(name) for name in names[:10])
            raise DataError(f"`{file}` must have the columns path and label. Got {listed}; {column} is missing.{meant}")
    return columns


def _csv_columns(file: Path, cells: list[str]) -> tuple[dict[str, int], bool]:
    """Return the columns from the first line, and whether that line is a header."""
    known = {synonym for synonyms in COLUMNS.values() for synonym in synonyms}
    is_image = os.path.splitext(cells[0])[1].lower() in EXTENSIONS
    if is_image and not known & {cell.lower() for cell in cells}:
        if len(cells) not in (2, 3):
            raise DataError(
                f"`{file}` must have a header, or the columns path, label and perhaps split. "
                f"Got {counted(len(cells), 'column')} without a header. Add a first line with their names."
            )
        return dict(zip(COLUMNS, range(len(cells)), strict=False)), False
    return find_columns(file, cells), True


def _plain(file: Path, line_number: int, value: Any) -> str:
    """Return a value of a Parquet column as text; "" for null."""
    if value is None:
        return ""
    if isinstance(value, (str, int)):
        return str(value)
    kind = type(value).__name__
    raise DataError(
        f"`{file}` must have text paths and text or whole labels. Got {kind} in row {line_number}. Convert it."
    )


def csv_text(file: Path) -> str:
    """Return the text of a list; bytes that are not UTF-8 are escaped as in names of files.

    Raises:
        DataError: the file is unreadable, or its encoding is damaged.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"`{file}` must be a file that can be read. Got: {error.strerror}. Check it.") from None
    try:
        return decoded(data)[0]
    except UnicodeDecodeError as error:
        raise DataError(
            f"`{file}` must be whole text. Got {error.encoding.upper()} that is damaged at byte {error.start:,}. "
            "Save it again, as CSV UTF-8."
        ) from None
