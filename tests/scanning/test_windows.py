"""Windows that are worth a second look: chosen well, trained on as they are, with a page and coordinates."""

import csv
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.api.scan import scan
from convscope.core.errors import DataError, ParameterError, StorageError
from convscope.images.decoding.decoder import decode
from convscope.images.sources.opening import open_source
from convscope.scanning.detections import Search, candidates
from convscope.scanning.grid import Grid
from convscope.scanning.windows import hardness, picks, spread, uncertainty
from tests.checks.laws import LAWS
from tests.checks.scans import pixels, scan_model


@settings(LAWS, max_examples=20)
@given(st.integers(8, 90), st.integers(8, 90), st.integers(1, 3), st.integers(1, 30))
def test_windows_do_not_overlap_and_the_best_comes_first(rows: int, columns: int, stride: int, count: int) -> None:
    grid = Grid(image=(rows, columns), window=(8, 8), stride=stride, tile=16)
    values = np.random.default_rng(rows).random(grid.shape).astype(np.float32)
    found = picks(lambda box: values[box.row : box.row + box.rows, box.column : box.column + box.columns], grid, count)
    assert found[0].value == values.max()
    assert [one.value for one in found] == sorted((one.value for one in found), reverse=True)
    for index, one in enumerate(found):
        assert values[one.row, one.column] == np.float32(one.value)
        for other in found[:index]:
            assert max(abs(one.row - other.row), abs(one.column - other.column)) * stride >= 8


@settings(LAWS, max_examples=40)
@given(st.lists(st.tuples(*[st.integers(1, 9)] * 2), min_size=2, max_size=8), st.integers(1, 4))
def test_windows_are_spread_at_most_twice_as_thinly_as_possible(vectors: list[tuple[int, int]], count: int) -> None:
    rows = np.array(vectors, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    count = min(count, len(rows))
    chosen = spread(np.array(vectors, np.float32), count)
    assert (len(set(chosen)), chosen[0]) == (count, 0)
    best = min(distances[:, list(some)].min(axis=1).max() for some in itertools.combinations(range(len(rows)), count))
    assert distances[:, chosen].min(axis=1).max() <= 2 * best + 1e-3


def test_windows_of_another_kind_are_taken_before_more_of_the_same(tmp_path: Path) -> None:
    kinds = pixels(8, 8, seed=1), pixels(8, 8, seed=2)
    image = np.block([[[kinds[(row, column) in ((2, 1), (4, 4))]] for column in range(6)] for row in range(6)])
    scan(scan_model(), image, scale=1, stride=8, windows=tmp_path / "windows", uncertain=2)
    written = [decode(file).values for file in (tmp_path / "windows").rglob("*.png")]
    assert len(written) == 2
    assert not np.array_equal(*written)


def test_the_lead_counts_classes_that_are_not_stored_as_one() -> None:
    stored = np.array([[[0.6, 0.4, 0], [0.1, 0.0, 0], [1, 0, 0]]], np.float32)
    assert np.allclose(uncertainty(stored), [[0.8, 0.2, 0]])
    assert np.allclose(hardness(stored, 0), [[0.4, 0, 0]])


def written(folder: Path, **options: Any) -> list[dict[str, str]]:
    scan(scan_model(), pixels(60, 70), scale=1, windows=folder, **options)
    return list(csv.DictReader((folder / "windows.csv").read_text().splitlines()))


def test_windows_are_a_class_folder_that_is_trained_on(tmp_path: Path) -> None:
    rows = written(tmp_path / "windows", uncertain=9, hardest=6, label="a")
    assert [row["kind"] for row in rows] == ["hard example"] * 6 + ["uncertain"] * 9
    assert {row["class"] for row in rows[:6]} == {"a"}
    assert all(row["suggested"] != "a" for row in rows[:6])
    image = pixels(60, 70)
    for row in rows:
        left, top = int(float(row["left"]) + 0.5), int(float(row["top"]) + 0.5)
        there = decode(tmp_path / "windows" / row["image"]).values
        assert np.array_equal(there, image[top : top + 8, left : left + 8])
    source = open_source(tmp_path / "windows")
    assert len(source) == 15
    assert set(source.classes) == {row["class"] for row in rows}
    page = (tmp_path / "windows" / "check.html").read_text()
    assert "put the class folders among your training" in page
    assert all(row["image"] in page for row in rows)


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("a", "background", "c")])
def test_uncertain_windows_are_where_an_object_is_more_probable_than_around(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    model = dataclasses.replace(scan_model(), classes=classes)
    found = scan(model, pixels(60, 70), scale=1, windows=tmp_path / "windows", uncertain=9)
    wanted = tuple(name for name in classes if name != "background")
    search = Search(classes=classes, wanted=wanted, threshold=0.0, distance=4.0)
    peaks = {(one.row, one.column) for one in candidates(found.read, found.receipt.grid, search)}
    rows = list(csv.DictReader((tmp_path / "windows" / "windows.csv").read_text().splitlines()))
    assert len(rows) == 9
    assert {(round(float(row["top"]) + 0.5), round(float(row["left"]) + 0.5)) for row in rows} <= peaks


def test_windows_that_cannot_be_written_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="windows"):
        scan(scan_model(), pixels(60, 70), uncertain=3)
    with pytest.raises(ParameterError, match="label"):
        written(tmp_path, hardest=3)
    with pytest.raises(ParameterError, match="label"):
        written(tmp_path, hardest=3, label="d")
    written(tmp_path, uncertain=1)
    with pytest.raises(StorageError, match="already there"):
        written(tmp_path, uncertain=1)
    outside = dataclasses.replace(scan_model(), classes=("a", "../b", "c"))
    with pytest.raises(DataError, match="names of folders"):
        scan(outside, pixels(60, 70), windows=tmp_path / "other", uncertain=3)


def test_a_scan_of_the_best_class_has_uncertain_windows_too(tmp_path: Path) -> None:
    every, best = (
        written(tmp_path / "every", hardest=4, label="a"),
        written(tmp_path / "best", hardest=4, label="a", best=True),
    )
    assert (best[0]["x"], best[0]["y"]) == (every[0]["x"], every[0]["y"])


def test_windows_and_pages_keep_apart_from_runs_and_images(tmp_path: Path) -> None:
    for name in ("run/model.safetensors", "cut-off/settings.json", "class/image.png", "sources/class/image.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    trained = dataclasses.replace(scan_model(), training={"settings": {"data": str(tmp_path / "sources")}})
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "link").symlink_to(tmp_path / "sources")
    for name in ("run", "cut-off", ".", "sources", "sources/new", "link/class"):
        for options in ({"windows": tmp_path / name, "uncertain": 3}, {"page": tmp_path / name}):
            with pytest.raises(ParameterError, match="folder of its own"):
                scan(trained, pixels(60, 70), scale=1, force=True, **options)
    (tmp_path / "link").unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_windows_are_replaced_as_a_whole_and_what_is_not_theirs_stays(tmp_path: Path) -> None:
    folder = tmp_path / "windows"
    written(folder, uncertain=9, hardest=6, label="a")
    (folder / "labels.csv").write_text("mine")
    rows = written(folder, uncertain=2, force=True)
    assert sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.png")) == sorted(
        row["image"] for row in rows
    )
    assert {one.name for one in folder.iterdir() if one.is_dir()} == {row["class"] for row in rows}
    assert (folder / "labels.csv").read_text() == "mine"
    scan(scan_model(), pixels(60, 70), scale=1, page=folder, force=True)
    written(folder, uncertain=2, force=True)
    outside = tmp_path / "outside.png"
    outside.touch()
    table = (folder / "windows.csv").read_text()
    (folder / "windows.csv").write_text(f"{table}../outside.png{',' * 10}\n")
    written(folder, uncertain=1, force=True)
    assert outside.exists()
