"""Tables of text: aligned for a terminal, as CSV for a spreadsheet, and as rows for a page."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .text import begins_formula


@dataclass(frozen=True, kw_only=True)
class DataTable:
    r"""Rows of cells under named columns.

    Raises:
        ValueError: a row has another number of cells than there are columns.

    Examples:
        >>> table = DataTable.of(["layer", "units"], [["4C3", "4"], ["128N", "128"]])
        >>> print("\n".join(table.lines()))
        layer  units
        4C3        4
        128N     128
        >>> table.csv()
        'layer,units\n4C3,4\n128N,128\n'
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Validate the number of cells."""
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"every row must have {len(self.columns)} cells")

    @staticmethod
    def of(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "DataTable":
        """Return the table of any sequences."""
        return DataTable(columns=tuple(columns), rows=tuple(map(tuple, rows)))

    def lines(self) -> list[str]:
        """Return aligned lines: the first column and other columns of words to the left, numbers to the right."""
        columns = list(zip(self.columns, *self.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        words = [not index or any(map(_is_word, column[1:])) for index, column in enumerate(columns)]
        return [
            "  ".join(
                cell.ljust(width) if left else cell.rjust(width)
                for cell, width, left in zip(row, widths, words, strict=True)
            ).rstrip()
            for row in (self.columns, *self.rows)
        ]

    def csv(self) -> str:
        """Return CSV; a space before a cell keeps a spreadsheet from reading it as a formula."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([f" {cell}" if _is_formula(cell) else cell for cell in row] for row in self.rows)
        return stream.getvalue()


def _is_word(cell: str) -> bool:
    return cell[:1].isalpha()


def _is_formula(cell: str) -> bool:
    """Return whether a spreadsheet reads `cell` as a formula; a negative number is none."""
    try:
        float(cell)
    except ValueError:
        return begins_formula(cell)
    return False
