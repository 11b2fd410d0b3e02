"""IDX files: types, twins, names, and headers that lie."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import DataError
from convscope.images.sources.idx import read_idx
from convscope.images.sources.opening import open_source

from .test_sources import idx_bytes, write_idx


@pytest.mark.parametrize(("code", "kind"), [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_type_is_read(code: int, kind: str, zipped: bool, tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(kind)
    data = bytes([0, 0, code, 3]) + struct.pack(">3I", 2, 3, 4) + values.tobytes()
    (tmp_path / "x").write_bytes(gzip.compress(data) if zipped else data)
    assert np.array_equal(read_idx(tmp_path / "x"), values)


def test_a_single_images_file_finds_its_labels(tmp_path: Path) -> None:
    write_idx(tmp_path)
    source = open_source(tmp_path / "t10k-images-idx3-ubyte")
    assert len(source) == 5
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"no t10k-labels-idx1-ubyte"):
        open_source(tmp_path / "t10k-images-idx3-ubyte")


def test_a_plain_file_goes_before_its_gzipped_twin(tmp_path: Path) -> None:
    write_idx(tmp_path, zipped=True, seed=1)
    write_idx(tmp_path, seed=2)
    mixed = open_source(tmp_path).fingerprint()
    for file in tmp_path.glob("*.gz"):
        file.unlink()
    assert open_source(tmp_path).fingerprint() == mixed


def test_names_with_a_dot_and_other_parts_are_known(tmp_path: Path) -> None:
    write_idx(tmp_path)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / file.name.replace("-idx", ".idx").replace("t10k", "emnist-letters-test"))
    assert np.bincount(open_source(tmp_path).splits, minlength=4).tolist() == [0, 12, 0, 5]


def test_two_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / "other-train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(DataError, match="one IDX file for train"):
        open_source(tmp_path)


def test_a_labels_file_is_not_a_set(tmp_path: Path) -> None:
    write_idx(tmp_path)
    with pytest.raises(DataError, match="IDX file of images"):
        open_source(tmp_path / "train-labels-idx1-ubyte")


IMAGES = idx_bytes(np.zeros((12, 6, 6), np.uint8))
HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1)
BROKEN = {
    "empty": (b"", "must be an IDX file. Got the first bytes"),
    "text": (b"hello, this is text", "must be an IDX file. Got the first bytes b'hell'"),
    "header only": (IMAGES[:9], "Got a header that is cut off"),
    "cut": (IMAGES[:-5], "must be as long as its header says. Got 432 bytes in the header"),
    "longer": (IMAGES + b"x", "must be as long as its header says"),
    "huge": (HUGE + b"\0" * 99, "must be as long as its header says. Got 79,"),
    "zipped huge": (gzip.compress(HUGE + b"\0" * 99), "must be as long as its header says"),
    "zipped cut": (gzip.compress(IMAGES)[:-12], "must be a whole IDX file"),
    "zipped longer": (gzip.compress(IMAGES + b"x"), "must be as long as its header says. Got another length"),
    "zipped shorter": (gzip.compress(IMAGES[:-5]), "must be as long as its header says. Got another length"),
    "zipped damaged": (
        gzip.compress(IMAGES)[:12] + b"\xff\xff" + gzip.compress(IMAGES)[14:],
        "must be a whole IDX file",
    ),
    "unknown type": (bytes([0, 0, 7, 3]) + IMAGES[4:], "must be an IDX file. Got the first bytes"),
    "no dimension": (bytes([0, 0, 8, 0]), "must be an IDX file. Got the first bytes"),
    "many dimensions": (bytes([0, 0, 8, 255]) + IMAGES[4:], "must be an IDX file. Got the first bytes"),
    "labels": (idx_bytes(np.zeros(12, np.uint8)), r"must hold images of the shape N H W. Got \(12,\)"),
    "no images": (idx_bytes(np.zeros((0, 6, 6), np.uint8)), "must hold images of the shape N H W"),
    "fewer": (
        idx_bytes(np.zeros((11, 6, 6), np.uint8)),
        "must have one label an image. Got 11 images and labels of the",
    ),
    "other size": (idx_bytes(np.zeros((12, 6, 7), np.uint8)), "must have images of one size"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_idx_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    data, sentence = BROKEN[name]
    write_idx(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(data)
    with pytest.raises(DataError, match=sentence) as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path, zipped=True)
    monkeypatch.setattr("convscope.images.sources.idx.available_bytes", lambda: 100)
    with pytest.raises(DataError, match="memory that is available"):
        open_source(tmp_path)


def test_images_in_idx_files_have_the_limit_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path)
    monkeypatch.setattr("convscope.images.sources.arrays.LIMIT_PIXELS", 3)
    with pytest.raises(DataError, match="must hold images of at most 3 pixels"):
        open_source(tmp_path)
