"""Every kind of source keeps the promises of tests/checks/sources.py; what `DATA` may be, and what it may not."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.images.sources.opening import TEST, Source, open_source
from tests.checks.sources import CHECKS, Maker

from .broken_files import encoded, sample

KINDS = (
    "class folders",
    "split folders",
    "csv",
    "tsv",
    "parquet",
    "arrays",
    "npz",
    "npz splits",
    "idx",
    "idx.gz",
    "digits",
)


def write_images(folder: Path, count: int = 3, kind: str = "PNG", start: int = 0) -> None:
    """Write `count` different images into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        (folder / f"{number}.{kind.lower()}").write_bytes(encoded(sample(8 + number, 12, seed=number), kind))


def idx_bytes(values: np.ndarray) -> bytes:
    """Return uint8 values as an IDX file."""
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write_idx(folder: Path, *, zipped: bool = False, count: int = 12, seed: int = 0) -> None:
    """Write a tiny set with the names of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for part, many in (("train", count), ("t10k", 5)):
        images = random.integers(0, 256, (many, 6, 6), dtype=np.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", np.arange(many, dtype=np.uint8) % 3)):
            file = folder / f"{part}-{name}-ubyte{'.gz' if zipped else ''}"
            file.write_bytes(gzip.compress(idx_bytes(values)) if zipped else idx_bytes(values))


def write_list(file: Path) -> Path:
    """Write images and a list of them, in the format that the ending of `file` asks for."""
    write_images(file.parent / "images", 6)
    rows = [(f"images/{number}.png", f"class {number % 2}") for number in range(6)]
    if file.suffix == ".parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = {"path": [path for path, _ in rows], "label": [label for _, label in rows]}
        parquet.write_table(arrow.table(columns), file)
    else:
        between = "\t" if file.suffix == ".tsv" else ","
        file.write_text("\n".join(between.join(row) for row in [("path", "label"), *rows]))
    return file


def make(kind: str, folder: Path) -> Maker:
    """Write a set of one kind into `folder` and return what opens it."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (10, 5, 7, 3), dtype=np.uint8), np.arange(10) % 3
    if kind in ("csv", "tsv", "parquet"):
        file = write_list(folder / f"list.{kind}")
        return lambda: open_source(file)
    if kind in ("idx", "idx.gz"):
        write_idx(folder, zipped=kind == "idx.gz")
    elif kind.startswith("npz"):
        parts = {"x": images, "y": labels}
        if kind == "npz splits":
            parts = {"x_train": images, "y_train": labels, "x_test": images[:4] // 2, "y_test": labels[:4]}
        np.savez(folder / "set.npz", **parts)
        return lambda: open_source(folder / "set.npz")
    elif kind == "arrays":
        return lambda: open_source((images, labels))
    elif kind == "digits":
        return lambda: open_source("digits")
    else:
        for split in ("Train", "VALID", "test") if kind == "split folders" else ("",):
            write_images(folder / split / "cat", 3, "PNG")
            write_images(folder / split / "dog", 12, "JPEG")
    return lambda: open_source(folder)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_every_source_keeps_the_promises(kind: str, check: Callable[[Maker], None], tmp_path: Path) -> None:
    check(make(kind, tmp_path))


def _change_an_image(folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".png", ".jpeg"):
            file.write_bytes(encoded(sample(9, 9, seed=77), "PNG"))
            return


@pytest.mark.parametrize("kind", ["class folders", "split folders", "csv", "parquet"])
def test_the_fingerprint_of_files_changes_with_their_content(kind: str, tmp_path: Path) -> None:
    fresh = make(kind, tmp_path)
    before = fresh().fingerprint()
    _change_an_image(tmp_path)
    assert fresh().fingerprint() != before


@pytest.mark.parametrize("sampled", [True, False])
def test_the_fingerprint_notices_a_change_that_keeps_size_and_time(
    sampled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sampled:  # then only the time at which the entry changed tells; no program can set it
        monkeypatch.setattr("convscope.images.sources.files.first_bytes", lambda *_: b"")
    source = make("class folders", tmp_path)()
    before = source.fingerprint()
    file = source.path(0)
    assert file is not None
    state, data = file.stat(), bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(bytes(data))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert source.fingerprint() != before


def test_the_fingerprint_notices_renamed_removed_and_relabeled_files(tmp_path: Path) -> None:
    fresh = make("class folders", tmp_path)
    seen = {fresh().fingerprint()}
    (tmp_path / "cat" / "0.png").rename(tmp_path / "cat" / "00.png")
    seen.add(fresh().fingerprint())
    (tmp_path / "dog").rename(tmp_path / "wolf")
    seen.add(fresh().fingerprint())
    (tmp_path / "cat" / "00.png").unlink()
    seen.add(fresh().fingerprint())
    assert len(seen) == 4


def test_the_fingerprint_of_arrays_changes_with_one_pixel_and_one_label() -> None:
    images, labels = np.zeros((4, 3, 3), np.uint8), np.array([0, 1, 0, 1])
    before = open_source((images, labels)).fingerprint()
    changed = images.copy()
    changed[3, 2, 2] = 1
    assert open_source((changed, labels)).fingerprint() != before
    assert open_source((images, labels[::-1])).fingerprint() != before


def test_split_folders_and_npz_parts_give_splits(tmp_path: Path) -> None:
    for kind, expected in (("split folders", [0, 15, 15, 15]), ("npz splits", [0, 10, 0, 4]), ("idx", [0, 12, 0, 5])):
        folder = tmp_path / kind
        folder.mkdir()
        assert np.bincount(make(kind, folder)().splits, minlength=4).tolist() == expected


def test_images_of_arrays_are_named_by_split_and_place(tmp_path: Path) -> None:
    source = make("idx", tmp_path)()
    assert source.image_name(3) == "train[3]"
    assert source.image_name(12) == "test[0]"
    assert source.splits[12] == TEST
    assert open_source("digits").image_name(17) == "images[17]"


SENTENCES = [
    ("nothing-here", "existing path or one of the datasets digits, mnist, fashion-mnist"),
    ("fashion-mnst", "does not exist. Did you mean 'fashion-mnist'?"),
    ("", "does not exist. Check the path"),
    ("a\0b", "`data` must be a path, the name of a dataset, or a pair of arrays"),
    (5, "`data` must be a path, the name of a dataset, or a pair of arrays. Got int"),
    ((1, 2, 3), "`data` must be a pair of arrays, images and labels. Got 3 values"),
]


@pytest.mark.parametrize(("data", "sentence"), SENTENCES)
def test_data_that_is_nowhere_is_one_sentence(data: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence.replace("?", r"\?")):
        open_source(data)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("set.tar", "Got an archive. Unpack it first: tar -xf .*set.tar"),
        ("set.tar.gz", "Unpack it first: tar -xf"),
        ("set.zip", "Unpack it first: unzip"),
        ("x.npy", r"Got one array. Save both: np.savez"),
        ("cat.JPG", "Got a single image"),
        ("notes.md", "Got a file with the extension '.md'"),
    ],
)
def test_files_that_are_no_sets_are_one_sentence(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(DataError, match=sentence):
        open_source(tmp_path / name)


def test_a_broken_link_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    with pytest.raises(DataError, match="Got a broken link or a device"):
        open_source(tmp_path / "link")


def test_what_is_on_disk_goes_before_the_name_of_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "digits" / "a")
    write_images(tmp_path / "digits" / "b")
    source: Source = open_source("digits")
    assert source.classes == ("a", "b")
