"""Predictions as tables: lines, CSV, JSON, Parquet; written row by row, so that a million of them need no memory.

Columns: image, class, probability, then class_2, probability_2, … where more classes than one are named, then error.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, BinaryIO, TextIO, final

from convscope.core.extras import optional
from convscope.core.text import begins_formula, json_for_terminals, printable
from convscope.images.inspection import spell

from .prediction import Prediction

_ROW_GROUP = 10_000


class Table(ABC):
    """Takes predictions and writes them somewhere."""

    @abstractmethod
    def write(self, prediction: Prediction) -> None:
        """Add one row."""

    @abstractmethod
    def end(self, *, whole: bool) -> None:
        """Write what comes after the last row; `whole` unless something stopped the work before."""


@final
class Lines(Table):
    """One line of text per row, as a function words it."""

    def __init__(self, stream: TextIO, worded: Callable[[Prediction], str]) -> None:
        self._stream, self._worded = stream, worded

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        self._stream.write(self._worded(prediction) + "\n")

    def end(self, *, whole: bool) -> None:
        """Write out what is still in memory."""
        self._stream.flush()


@final
class CsvTable(Table):
    """CSV with a header, UTF-8, quoted where needed.

    Spreadsheets take cells that begin with = + - @ for formulas, which a stranger's file name could make use of: such
    a path gets ``./`` in front (the same file), such a class, unless it is a number, an apostrophe.
    """

    def __init__(self, stream: TextIO, top: int) -> None:
        self._stream, self._top = stream, top
        self._shown = printable if stream.isatty() else spell  # a terminal would obey control characters in a name
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(columns(top))

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        image = self._shown(prediction.image)
        ranked = [(_no_formula(self._shown(name)), f"{value:.6g}") for name, value in prediction.top[: self._top]]
        ranked += [("", "")] * (self._top - len(ranked))
        start = "./" if begins_formula(image) else ""
        self._writer.writerow([start + image, *chain.from_iterable(ranked), self._shown(prediction.error or "")])

    def end(self, *, whole: bool) -> None:
        """Write out what is still in memory."""
        self._stream.flush()


@final
class JsonTable(Table):
    """One JSON document: ``{"predictions": [{"image", "class", "probability", "error"}, …], "complete": true, …}``.

    An image of which there is something to say has its ``"remarks"`` besides. Where more classes than one are asked
    for, each has ``"top": [{"class", "probability"}, …]`` besides.
    """

    def __init__(self, stream: TextIO, top: int) -> None:
        self._stream, self._top = stream, top
        self._count = self._unusable = 0
        stream.write('{"predictions": [')

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        row: dict[str, Any] = {
            "image": spell(prediction.image),
            "class": None if prediction.label is None else spell(prediction.label),
            "probability": prediction.probability,
            "error": prediction.error,
        }
        if prediction.remarks:
            row["remarks"] = list(prediction.remarks)
        if self._top > 1:
            row["top"] = [{"class": spell(name), "probability": value} for name, value in prediction.top[: self._top]]
        text = json.dumps(row, ensure_ascii=False, allow_nan=False)
        self._stream.write((",\n" if self._count else "\n") + json_for_terminals(text))
        self._count += 1
        self._unusable += prediction.error is not None

    def end(self, *, whole: bool) -> None:
        """Close the list, and say how many rows there are and whether they are all."""
        counts = {"images": self._count, "unusable": self._unusable, "complete": whole}
        self._stream.write("\n], " + json.dumps(counts)[1:] + "\n")
        self._stream.flush()


@final
class ParquetTable(Table):
    """A Parquet file, perhaps with metadata; needs pyarrow."""

    def __init__(self, stream: BinaryIO, top: int, *, metadata: Mapping[str, str] | None = None) -> None:
        self._arrow = optional("pyarrow", needed_for="Parquet files", extra="parquet")
        parquet = optional("pyarrow.parquet", needed_for="Parquet files", extra="parquet")
        kinds = {name: self._arrow.float32() if "prob" in name else self._arrow.string() for name in columns(top)}
        self._schema, self._top = self._arrow.schema(kinds.items(), metadata), top
        self._writer = parquet.ParquetWriter(stream, self._schema, write_page_checksum=True)
        self._rows: list[tuple[Any, ...]] = []

    def write(self, prediction: Prediction) -> None:
        """Add one row."""
        ranked = [(spell(name), value) for name, value in prediction.top[: self._top]]
        ranked += [(None, None)] * (self._top - len(ranked))  # type: ignore[list-item]  # empty cells
        self._rows.append((spell(prediction.image), *chain.from_iterable(ranked), prediction.error))
        if len(self._rows) >= _ROW_GROUP:
            self._flush()

    def end(self, *, whole: bool) -> None:
        """Write the rows that are left, and what makes the file readable."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        values = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []


def columns(top: int) -> list[str]:
    """Return the names of the columns.

    Examples:
        >>> columns(2)
        ['image', 'class', 'probability', 'class_2', 'probability_2', 'error']
    """
    more = [f"{name}_{rank}" for rank in range(2, top + 1) for name in ("class", "probability")]
    return ["image", "class", "probability", *more, "error"]


def _no_formula(name: str) -> str:
    """Return the name of a class as a spreadsheet takes it for text; a number stays a number."""
    if not begins_formula(name):
        return name
    try:
        float(name)
    except ValueError:
        return f"'{name}"
    return name
