import csv
import errno
import io
import itertools
import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from convscope.core.errors import MissingPackageError, ParameterError, StorageError
from convscope.core.progress import Plain, Reporter
from convscope.networks.prediction import Prediction
from convscope.networks.prediction_files import tables
from convscope.networks.prediction_tables import CsvTable, JsonTable, Lines, Table
from tests.checks.disks import FAULTS, broken_disk

NAMES = (
    "a.jpg",
    "b, c.jpg",
    'q"uote.jpg',
    "two\nlines.jpg",
    "größe 猫.jpg",
    "caf\udce9.jpg",
    "tab\t.jpg",
    "\x1b[31m.jpg",
)


def row(image: str = "a.jpg", label: str = "cat", *, top: int = 2) -> Prediction:
    ranked = ((label, 0.75), ("dog", 0.25))[:top]
    return Prediction(image=image, label=label, probability=0.75, top=ranked, error=None)


def broken(image: str = "bad.jpg") -> Prediction:
    return Prediction(image=image, label=None, probability=None, top=(), error="the file is empty (0 bytes)")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(targets: dict[str, str], rows: list[Prediction], *, top: int = 2, force: bool = False) -> str:
    stream = io.StringIO()
    with tables(targets, stream, top=top, force=force) as table:
        for one in rows:
            table.write(one)
    return stream.getvalue()


def stopped(
    targets: dict[str, str],
    stream: io.StringIO,
    error: BaseException,
    *,
    rows: int = 1,
    reporter: Reporter | None = None,
) -> None:
    with tables(targets, stream, top=1, reporter=reporter) as table:
        for _ in range(rows):
            table.write(row(top=1))
        raise error


def test_all_kinds_hold_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    targets = {kind: str(tmp_path / f"new/folder/out.{kind}") for kind in ("csv", "json", "parquet")}
    write(targets, [row(name) for name in NAMES] + [broken()])
    table = read_csv(Path(targets["csv"]))
    document = json.loads(Path(targets["json"]).read_text(encoding="utf-8"))
    arrow = parquet.read_table(targets["parquet"]).to_pylist()
    images = [name.replace("\udce9", "\\xe9") for name in NAMES] + ["bad.jpg"]
    assert [one["image"] for one in table] == images
    assert [one["image"] for one in document["predictions"]] == images
    assert [one["image"] for one in arrow] == images
    assert list(table[0].values())[1:] == ["cat", "0.75", "dog", "0.25", ""]
    assert list(table[-1].values())[1:] == ["", "", "", "", "the file is empty (0 bytes)"]
    assert list(table[0]) == list(arrow[0]) == ["image", "class", "probability", "class_2", "probability_2", "error"]
    assert list(arrow[0].values())[1:] == ["cat", 0.75, "dog", 0.25, None]
    assert list(arrow[-1].values())[1:] == [None, None, None, None, "the file is empty (0 bytes)"]
    assert (document["images"], document["unusable"], document["complete"]) == (9, 1, True)
    assert document["predictions"][0]["top"][1] == {"class": "dog", "probability": 0.25}
    assert document["predictions"][-1] == {
        "image": "bad.jpg",
        "class": None,
        "probability": None,
        "error": "the file is empty (0 bytes)",
        "top": [],
    }


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_no_rows_make_a_table_without_rows(kind: str, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / "out"
    write({kind: str(path)}, [])
    if kind == "csv":
        assert path.read_text() == "image,class,probability,class_2,probability_2,error\n"
    elif kind == "json":
        assert json.loads(path.read_text()) == {"predictions": [], "images": 0, "unusable": 0, "complete": True}
    else:
        import pyarrow.parquet

        assert pyarrow.parquet.read_table(path).num_rows == 0


def test_a_spreadsheet_takes_no_cell_for_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    write({"csv": str(path)}, [row("=cmd|' /C calc'!A0.jpg", "@x"), row("-a.jpg", "-1"), row("b.jpg", "=1+1")], top=1)
    pairs = [(one["image"], one["class"]) for one in read_csv(path)]
    assert pairs == [("./=cmd|' /C calc'!A0.jpg", "'@x"), ("./-a.jpg", "-1"), ("b.jpg", "'=1+1")]


def test_standard_output_takes_csv_or_json() -> None:
    assert write({"csv": "-"}, [row(), broken()], top=1).splitlines() == [
        "image,class,probability,error",
        "a.jpg,cat,0.75,",
        "bad.jpg,,,the file is empty (0 bytes)",
    ]
    document = json.loads(write({"json": "-"}, [row()], top=1))
    assert document["predictions"] == [{"image": "a.jpg", "class": "cat", "probability": 0.75, "error": None}]


def test_lines_are_worded_by_a_function() -> None:
    stream = io.StringIO()
    with tables({}, Lines(stream, lambda one: one.image.upper()), top=1) as table:
        table.write(row())
    assert stream.getvalue() == "A.JPG\n"


def test_nothing_existing_is_overwritten_without_force(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("mine")
    with pytest.raises(StorageError, match=r"o\.csv is already there and is not overwritten\. Give another name, or"):
        write({"csv": str(path)}, [row()])
    assert path.read_text() == "mine"
    write({"csv": str(path)}, [row()], force=True)
    assert len(read_csv(path)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["o.csv"]


@pytest.mark.parametrize("name", ["photo.jpg", "photo.JPEG", "new.png", "model.safetensors"])
def test_the_name_of_an_image_or_model_is_never_taken_for_the_results(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(ParameterError, match=r"`csv` must name a file for the results\. Got .*right after --csv"):
        write({"csv": str(tmp_path / name)}, [row()], force=True)
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"


def test_a_folder_the_same_file_twice_and_parquet_on_standard_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"`json` must name a file for the results\. Got .*a folder"):
        write({"json": str(tmp_path)}, [], force=True)
    with pytest.raises(
        ParameterError, match="`csv` and `json` must name different files. Got .*can be standard output"
    ):
        write({"csv": f"{tmp_path}/a", "json": f"{tmp_path}/./a"}, [])
    with pytest.raises(ParameterError, match="`csv` and `json` must name different files. Got -, -"):
        write({"csv": "-", "json": "-"}, [])
    with pytest.raises(ParameterError, match=r"`parquet` must name a file\. Got - \(standard output\)"):
        write({"parquet": "-"}, [])


def test_without_pyarrow_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingPackageError, match=r"Parquet files need .*pip install 'convscope\[parquet\]'"):
        write({"parquet": str(tmp_path / "o")}, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_rows_so_far_are_kept_beside_when_something_stops_the_work(error: type[BaseException], tmp_path: Path) -> None:
    said = io.StringIO()
    targets = {kind: str(tmp_path / f"o.{kind}") for kind in ("csv", "json")}
    with pytest.raises(error), tables(targets, said, top=1, reporter=Plain(said)) as table:  # noqa: PT012
        table.write(row(top=1))
        raise error
    assert sorted(file.name for file in tmp_path.iterdir()) == ["o.csv.part", "o.json.part"]
    assert len(read_csv(tmp_path / "o.csv.part")) == 1
    document = json.loads((tmp_path / "o.json.part").read_text())
    assert (document["complete"], document["images"]) == (False, 1)
    assert f"the first row is in {tmp_path / 'o.csv.part'}" in said.getvalue()


def test_a_parquet_file_that_was_stopped_can_be_read(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with pytest.raises(KeyboardInterrupt), tables({"parquet": str(tmp_path / "o")}, io.StringIO(), top=1) as table:  # noqa: PT012
        for _ in range(10_005):
            table.write(row(top=1))
        raise KeyboardInterrupt
    assert parquet.read_table(tmp_path / "o.part").num_rows == 10_005


def test_stopped_before_the_first_row_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stopped({"csv": str(tmp_path / "o")}, io.StringIO(), KeyboardInterrupt(), rows=0)
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_run_left_is_kept(tmp_path: Path) -> None:
    (tmp_path / "o.part").write_text("earlier")
    write({"csv": str(tmp_path / "o")}, [row()])
    assert (tmp_path / "o.part").read_text() == "earlier"
    assert len(read_csv(tmp_path / "o")) == 1


def test_when_the_last_step_fails_the_rows_are_kept_and_it_is_said_where(tmp_path: Path) -> None:
    said = io.StringIO()
    with (  # noqa: PT012
        pytest.raises(StorageError, match=r"Cannot write .*o\.csv: .* kept: the only row is in .*o\.csv\.part\.$"),
        tables({"csv": str(tmp_path / "o.csv")}, said, top=1) as table,
    ):
        table.write(row(top=1))
        (tmp_path / "o.csv").mkdir()  # a file cannot replace a folder
    assert len(read_csv(tmp_path / "o.csv.part")) == 1


@pytest.mark.parametrize("bad", [{"csv"}, {"json"}, {"parquet"}, {"csv", "parquet"}])
def test_a_table_that_cannot_be_put_in_its_place_leaves_the_others_to_theirs(bad: set[str], tmp_path: Path) -> None:
    said = io.StringIO()
    paths = {kind: tmp_path / f"o.{kind}" for kind in ("csv", "json", "parquet")}
    with (  # noqa: PT012
        pytest.raises(StorageError) as raised,
        tables({kind: str(path) for kind, path in paths.items()}, said, top=1, reporter=Plain(said)) as table,
    ):
        table.write(row(top=1))
        for kind in bad:
            paths[kind].mkdir()
    for kind, path in paths.items():
        part = path.with_name(f"{path.name}.part")
        assert rows_in(part if kind in bad else path, kind) == 1
        assert (f"the only row is in {part}." in str(raised.value)) == part.exists() == (kind in bad)
    assert said.getvalue() == ""


@pytest.mark.parametrize("bad", ["csv", "json"])
def test_a_table_that_cannot_be_ended_leaves_the_others_to_their_places(
    bad: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table_type = {"csv": CsvTable, "json": JsonTable}[bad]
    ended = table_type.end

    def failing(self: Table, *, whole: bool) -> None:
        if whole:
            raise OSError(errno.EFBIG, "File too large")
        ended(self, whole=whole)

    monkeypatch.setattr(table_type, "end", failing)
    paths = {kind: tmp_path / f"o.{kind}" for kind in ("csv", "json")}
    with (
        pytest.raises(StorageError, match=rf"o\.{bad}: .* the first row is in .*o\.{bad}\.part\.$"),
        tables({kind: str(path) for kind, path in paths.items()}, io.StringIO(), top=1) as table,
    ):
        table.write(row(top=1))
    assert {path.name for path in tmp_path.iterdir()} == {"o.csv", "o.json", f"o.{bad}.part"} - {f"o.{bad}"}


def test_where_a_row_cannot_be_written_the_sentence_names_every_table_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = JsonTable.write
    rows = itertools.count()

    def failing(self: JsonTable, prediction: Prediction) -> None:
        if next(rows) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(self, prediction)

    monkeypatch.setattr(JsonTable, "write", failing)
    with (  # noqa: PT012
        pytest.raises(StorageError) as raised,
        tables({kind: str(tmp_path / f"o.{kind}") for kind in ("csv", "json")}, io.StringIO(), top=1) as table,
    ):
        for _ in range(3):
            table.write(row(top=1))
    assert f"the first 3 rows are in {tmp_path / 'o.csv.part'}." in str(raised.value)
    assert f"the first 2 rows are in {tmp_path / 'o.json.part'}." in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"o.csv.part", "o.json.part"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("rows", [1, 5_000])
def test_a_device_that_is_full_is_one_sentence(kind: str, rows: int, tmp_path: Path) -> None:
    (tmp_path / "o").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"Cannot write .*/o: the disk is full"):
        write({kind: str(tmp_path / "o")}, [row()] * rows)
    assert list(tmp_path.iterdir()) == [tmp_path / "o"]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("rows", [1, 3_000])
def test_what_is_said_to_be_kept_is_there(
    kind: str, fault: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, path = io.StringIO(), tmp_path / f"o.{kind}"
    path.write_text("old")
    broken_disk(monkeypatch, fault)
    with (  # noqa: PT012
        pytest.raises(StorageError, match=r"Cannot write .*: the disk is full") as raised,
        tables({kind: str(path)}, said, top=1, force=True, reporter=Plain(said)) as table,
    ):
        for _ in range(rows):
            table.write(row(top=1))
    assert path.read_text() == "old"
    part = path.with_name(f"{path.name}.part")
    if part.exists():
        assert fault == "replace once"
        assert rows_in(part, kind) == rows
        assert f"{'the only row is' if rows == 1 else f'all {rows:,} rows are'} in {part}" in str(raised.value)
    assert said.getvalue() == ""
    assert set(tmp_path.iterdir()) <= {path, part}


def rows_in(path: Path, kind: str) -> int:
    if kind == "csv":
        return len(read_csv(path))
    if kind == "json":
        return len(json.loads(path.read_text())["predictions"])
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).num_rows


@pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links of POSIX")
@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_a_pipe_gets_the_rows_and_stays(kind: str, tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write({kind: str(pipe)}, [row()] * 20, top=1)
    reader.join()
    (tmp_path / "o").write_bytes(found[0])
    assert rows_in(tmp_path / "o", kind) == 20
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links of POSIX")
def test_a_link_stays_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    today, link = tmp_path / "disk" / "today.csv", tmp_path / "latest.csv"
    today.write_text("old")
    link.symlink_to("disk/today.csv")
    with pytest.raises(StorageError, match="already there and is not overwritten"):
        write({"csv": str(link)}, [row()])
    write({"csv": str(link)}, [row()], force=True)
    assert link.is_symlink()
    assert len(read_csv(today)) == 1
    with pytest.raises(KeyboardInterrupt), tables({"csv": str(link)}, io.StringIO(), top=1, force=True) as table:  # noqa: PT012
        table.write(row(top=1))
        raise KeyboardInterrupt
    assert len(read_csv(tmp_path / "disk" / "today.csv.part")) == 1  # beside what it is of


def test_a_link_to_an_image_is_never_taken_for_the_results(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    (tmp_path / "o.csv").symlink_to("photo.jpg")
    with pytest.raises(ParameterError, match="the name of an image or model"):
        write({"csv": str(tmp_path / "o.csv")}, [row()], force=True)


@pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links of POSIX")
def test_two_names_of_one_place_are_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to("a")
    os.link(tmp_path / "a", tmp_path / "c")
    for other in ("b", "c"):
        with pytest.raises(ParameterError, match="must name different files"):
            write({"csv": str(tmp_path / "a"), "json": str(tmp_path / other)}, [], force=True)
    with pytest.raises(ParameterError, match="must name different files"):
        write({"csv": "-", "json": "/dev/stdout"}, [])
    write({"csv": os.devnull, "json": os.devnull}, [row()])


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*o\.csv: "):
        write({"csv": str(tmp_path / "file" / "o.csv")}, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_json_on_standard_output_is_closed_when_something_stops_the_work(error: type[BaseException]) -> None:
    stream = io.StringIO()
    with pytest.raises(error), tables({"json": "-"}, stream, top=1) as table:  # noqa: PT012
        table.write(row(top=1))
        raise error
    assert json.loads(stream.getvalue())["complete"] is False


def test_a_reader_that_left_ends_the_work(tmp_path: Path) -> None:
    class Left(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError), tables({"csv": "-"}, Left(), top=1) as table:
        table.write(row())


def test_tables_on_streams_end_themselves() -> None:
    for kind in (CsvTable, JsonTable):
        stream = io.StringIO()
        table = kind(stream, 1)
        table.end(whole=True)
        assert stream.getvalue().endswith("\n")
