"""Files of features: read back by the libraries that everybody has, whole or not there."""

import csv
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from convscope.api.features import save_features
from convscope.core.errors import ParameterError, StorageError
from convscope.features.files import FEATURE_FORMATS, MOST_COLUMNS, Rows, feature_file
from tests.checks.disks import FAULTS, broken_disk

FEATURES = np.random.default_rng(0).normal(size=(5, 2, 1, 3)).astype(np.float32)
NAMES = [f"value{place}" for place in range(6)]
ROWS = Rows(
    images=["a.png", "=cmd.png", "b\udcff.png", "ü,;\n.png", "e.png"],
    labels=["cat", "dog", "-cat", "cat", "dog"],
    splits=["train", "train", "test", "", "validation"],
)


def write(path: Path, *, force: bool = False) -> None:
    """Write all features in two parts."""
    with feature_file(path, ROWS, shape=FEATURES.shape[1:], names=NAMES, force=force) as file:
        file.write(FEATURES[:2])
        file.write(FEATURES[2:])


def write_and_stop(path: Path) -> None:
    with feature_file(path, ROWS, shape=(2, 1, 3), names=NAMES, force=True) as file:
        file.write(FEATURES[:2])
        raise KeyboardInterrupt


def test_npy_is_the_array(tmp_path: Path) -> None:
    write(tmp_path / "x.npy")
    found = np.load(tmp_path / "x.npy", allow_pickle=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, FEATURES)


def test_npz_holds_everything_and_no_pickle(tmp_path: Path) -> None:
    write(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert set(found) == {"features", "images", "labels", "splits", "names"}
        np.testing.assert_array_equal(found["features"], FEATURES)
        assert found["labels"].tolist() == ROWS.labels
        assert found["splits"].tolist() == ROWS.splits
        assert found["names"].tolist() == NAMES
        assert found["images"][0] == "a.png"


def test_csv_gives_the_same_bits_back_and_no_formulas(tmp_path: Path) -> None:
    write(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["image", "class", "split", *NAMES]
    np.testing.assert_array_equal(np.array([row[3:] for row in rows], np.float32), FEATURES.reshape(5, -1))
    assert [row[0] for row in rows[:2]] == ["a.png", "'=cmd.png"]
    assert rows[2][1] == "'-cat"


def test_parquet_is_a_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "x.parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["image", "class", "split", *NAMES]
    assert table["class"].to_pylist() == ROWS.labels
    found = np.stack([table[name].to_numpy() for name in NAMES], axis=1)
    np.testing.assert_array_equal(found, FEATURES.reshape(5, -1))


@pytest.mark.parametrize("kind", FEATURE_FORMATS)
def test_what_stands_there_is_replaced_only_by_force_and_a_failure_leaves_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{kind}"
    path.write_bytes(b"precious")
    with pytest.raises(StorageError, match="already there and is not overwritten"):
        write(path)
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
    write(path, force=True)
    assert path.read_bytes() != b"precious"


def test_kinds_and_widths_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        ParameterError, match=r"must end in one of \.npz, \.npy, \.csv, \.parquet\. Got 'x\.npx'\..*\.npz"
    ):
        write(tmp_path / "x.npx")
    many = [str(number) for number in range(MOST_COLUMNS + 1)]
    for name in ("x.csv", "x.parquet"):
        with (
            pytest.raises(ParameterError, match=r"at most 10,000 columns of features\. Got 10,001\. Use --pool"),
            feature_file(tmp_path / name, ROWS, shape=(len(many),), names=many),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FEATURE_FORMATS)
@pytest.mark.parametrize("fault", FAULTS)
def test_on_a_disk_that_fails_what_stood_there_stays_and_nothing_is_left(
    kind: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{kind}"
    path.write_bytes(b"precious")
    broken_disk(monkeypatch, fault)
    with pytest.raises(StorageError, match=r"Cannot write .*: the disk is full"):
        write(path, force=True)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("kind", FEATURE_FORMATS)
def test_a_pipe_gets_the_same_features_and_stays(kind: str, tmp_path: Path) -> None:
    write(tmp_path / f"file{kind}")
    pipe, found = tmp_path / f"pipe{kind}", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    (tmp_path / f"read{kind}").write_bytes(found[0])
    if kind == ".npz":
        with np.load(tmp_path / "file.npz") as expected, np.load(tmp_path / "read.npz") as read:
            for name in expected:
                np.testing.assert_array_equal(read[name], expected[name])
    else:
        assert found[0] == (tmp_path / f"file{kind}").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_nothing_is_kept_beside_a_device_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "x.npy").symlink_to(os.devnull)
    assert save_features("pixels", "digits", tmp_path / "x.npy").images == 1797
    (tmp_path / "y.npy.part").symlink_to("victim")
    with pytest.raises(StorageError, match=r"y\.npy\.part already exists and is a link"):
        save_features("pixels", "digits", tmp_path / "y.npy")
    (tmp_path / "disk").mkdir()
    (tmp_path / "z.npy").symlink_to("disk/real.npy")
    save_features("pixels", "digits", tmp_path / "z.npy")
    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["disk", "x.npy", "y.npy.part", "z.npy"]
    assert [one.name for one in (tmp_path / "disk").iterdir()] == ["real.npy"]
