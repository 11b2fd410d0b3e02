"""One table prints aligned and as CSV, with the same cells."""

import csv

import pytest

from convscope.core.tables import DataTable

TABLE = DataTable.of(["name", "points"], [["a", "1.5"], ["=SUM(A1)", "-12.25"], ["two\nlines, and a comma", "+3"]])


def test_csv_returns_the_cells_and_no_formula() -> None:
    head, *rows = csv.reader(TABLE.csv().splitlines(keepends=True))
    assert tuple(head) == TABLE.columns
    assert [tuple(cell.removeprefix(" ") for cell in row) for row in rows] == list(TABLE.rows)
    assert rows[1] == [" =SUM(A1)", "-12.25"], "a negative number is no formula"


def test_lines_are_aligned() -> None:
    head, *rows = DataTable.of(["layer", "units"], [["4C3", "4"], ["128N", "12,800"]]).lines()
    assert len({len(line) for line in (head, *rows)}) == 1
    assert head.startswith("layer ")
    assert rows[0].endswith(" 4")
    words = DataTable.of(["a", "b", "c"], [["1", "yes", "2"], ["3", "no", "10"]]).lines()
    assert words == ["a  b     c", "1  yes   2", "3  no   10"]


def test_a_table_without_rows_has_a_head() -> None:
    empty = DataTable.of(["name", "points"], [])
    assert empty.lines() == ["name  points"]
    assert empty.csv() == "name,points\n"


def test_a_row_with_another_number_of_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        DataTable.of(["a", "b"], [["1"]])
