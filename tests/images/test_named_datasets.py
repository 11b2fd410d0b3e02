"""Named sets: where they are looked for, what they hold, and downloads from a server on this machine."""

import functools
import gzip
import hashlib
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import DataError, MissingPackageError
from convscope.images.sources import named_datasets
from convscope.images.sources.download import download, unpacked_sum
from convscope.images.sources.opening import TEST, TRAIN, UNASSIGNED, open_source

from .test_sources import write_idx

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture(autouse=True)
def _nothing_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the sets that this machine may have, and forbid the true addresses."""
    monkeypatch.delenv(named_datasets.DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(named_datasets, "_DEBIAN", tmp_path / "debian")
    monkeypatch.chdir(tmp_path)


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    source, original = open_source("digits"), load_digits()
    assert np.array_equal(source.labels, original.target)
    assert np.array_equal(source.stack()[..., 0], np.rint(original.images * 255 / 16))
    assert source.classes == tuple("0123456789")
    assert source.flippable is False
    assert set(source.splits.tolist()) == {UNASSIGNED}


def test_digits_come_through_scikit_learn_where_its_file_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = open_source("digits").fingerprint()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert open_source("digits").fingerprint() == expected


@pytest.mark.parametrize("place", ["mnist", "MNIST/raw", "."])
@pytest.mark.parametrize("given", ["option", "variable"])
def test_a_local_copy_is_found(place: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / ("mnist" if place == "." else "sets")
    write_idx(top / place, zipped=True)
    if given == "variable":
        monkeypatch.setenv(named_datasets.DATA_DIR_VARIABLE, str(top))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")  # where no folder is called mnist
    source = open_source("mnist", data_dir=top if given == "option" else None)
    assert source.name == "mnist"
    assert source.classes == tuple("0123456789")
    assert source.flippable is False
    assert set(source.splits.tolist()) == {TRAIN, TEST}


def test_one_set_is_not_taken_for_the_other(tmp_path: Path) -> None:
    write_idx(tmp_path / "sets" / "fashion-mnist")
    folder = tmp_path / "sets" / "fashion-mnist"
    assert named_datasets.find_folder(named_datasets.FASHION_MNIST, folder) == folder
    assert named_datasets.find_folder(named_datasets.MNIST, folder) is None


def test_the_place_of_debian_is_searched(tmp_path: Path) -> None:
    write_idx(tmp_path / "debian" / "fashion-mnist", zipped=True)
    source = open_source("fashion-mnist")
    assert source.classes[0] == "T-shirt/top"
    assert source.classes[9] == "Ankle boot"
    assert source.flippable is True


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    write_idx(tmp_path / "served", zipped=True)
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


class _Task:
    def __init__(self) -> None:
        self.done: list[float] = []

    def update(self, done: float, note: str = "") -> None:
        self.done.append(done)


class _Reporter:
    def __init__(self) -> None:
        self.titles: list[tuple[str, float]] = []
        self.tasks: list[_Task] = []

    def task(self, title: str, total: float, unit: str = "") -> AbstractContextManager[_Task]:
        self.titles.append((title, total))
        self.tasks.append(_Task())
        return nullcontext(self.tasks[-1])


def _sums(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(gzip.decompress((folder / f"{name}.gz").read_bytes())).hexdigest() for name in FILES}


def test_a_download_is_checked_shown_and_kept(server: str, tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    sums, reporter = _sums(tmp_path / "served"), _Reporter()
    folder = download("mnist", server, sums, named_datasets.downloads_folder() / "mnist", reporter)  # type: ignore[arg-type]
    assert [title for title, _ in reporter.titles] == [f"mnist: {name}.gz" for name in FILES]
    assert all(task.done[-1] == total for (_, total), task in zip(reporter.titles, reporter.tasks, strict=True))
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.gz" for name in FILES)
    assert len(open_source("mnist")) == 17  # found among the downloads
    again = _Reporter()
    (folder / f"{FILES[0]}.gz").write_bytes(b"damaged")
    download("mnist", server, sums, folder, again)  # type: ignore[arg-type]
    assert [title for title, _ in again.titles] == [f"mnist: {FILES[0]}.gz"]


def test_other_content_is_refused_and_leaves_nothing(server: str, tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    with pytest.raises(DataError, match="another SHA-256 for train-images"):
        download("mnist", server, named_datasets.MNIST.sums, tmp_path / "to", None)
    assert list((tmp_path / "to").iterdir()) == []


def test_a_missing_file_and_no_network_are_one_sentence(server: str, tmp_path: Path) -> None:
    pytest.importorskip("pooch")
    with pytest.raises(DataError, match=r"404"):
        download("mnist", f"{server}none/", named_datasets.MNIST.sums, tmp_path / "to", None)
    nobody = "http://127.0.0.1:9/"  # the discard port: nothing listens there
    with pytest.raises(DataError, match=r"no network"):
        download("mnist", nobody, named_datasets.MNIST.sums, tmp_path / "to", None)
    assert list((tmp_path / "to").iterdir()) == []


def test_without_pooch_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingPackageError, match=r"mnist is not on this computer.* pip install 'convscope\[sets\]'"):
        open_source("mnist")


def test_the_sum_of_a_damaged_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8b damaged")
    assert unpacked_sum(tmp_path / "x.gz") == ""
    (tmp_path / "y.gz").write_bytes(gzip.compress(b"0" * 1000))
    monkeypatch.setattr("convscope.images.sources.download._LONGEST", 999)
    assert unpacked_sum(tmp_path / "y.gz") == ""
